import { fieldOf, type ModelRequest, RecentMap, type Usage } from '@spillway/middleware'
import type { Cost } from './limits.ts'

/** What English prose with some JSON around it comes to, until real usage says better. */
const firstBytesPerToken = 3.5

/** How much a new observation counts. */
const weight = 0.2

/** Answers up to this quantile fit their reservation. */
const quantile = 0.9

const firstOutput = 500

/** Models that are remembered; callers choose their names. Of further ones, those that were asked longest ago are forgotten. */
const mostModels = 1_000

interface Learned {
  bytesPerToken: number
  output: number
  step: number
}

/**
 * Guesses what a call will take before it is sent, and learns from what calls took, for each model by itself. Input by
 * the bytes of the body; output by a running quantile, since `max_tokens` says what an answer may have, not what it has.
 */
export class TokenEstimator {
  readonly #models = new RecentMap<Learned>(mostModels)

  estimate(request: ModelRequest): Cost {
    const { bytesPerToken, output } = this.#of(request.model)
    return {
      inputTokens: Math.ceil(request.body.bytes.length / bytesPerToken),
      outputTokens: Math.ceil(Math.min(output, limitOf(request))),
    }
  }

  /** Learns from a call whose usage is exact. */
  learn(request: ModelRequest, usage: Usage): void {
    const learned = this.#of(request.model)
    const input = usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens
    if (input > 0) {
      const observed = request.body.bytes.length / input
      learned.bytesPerToken += weight * (clamp(observed, 0.5, 20) - learned.bytesPerToken)
    }
    this.#learnOutput(learned, usage.outputTokens)
  }

  /** A running quantile by small steps, which grow while all observations lie on one side. */
  #learnOutput(learned: Learned, observed: number): void {
    const isAbove = observed > learned.output
    const direction = isAbove ? quantile : quantile - 1
    learned.output = Math.max(1, learned.output + learned.step * direction)
    learned.step = clamp(Math.abs(observed - learned.output) * weight, 1, 10_000)
  }

  #of(model: string): Learned {
    const learned = this.#models.get(model) ?? {
      bytesPerToken: firstBytesPerToken,
      output: firstOutput,
      step: 50,
    }
    this.#models.set(model, learned)
    return learned
  }
}

/** Bytes that a number is written with at most. */
const longestNumber = 64

/** What the caller allows for the answer. */
function limitOf(request: ModelRequest): number {
  const asked = (name: string): unknown => fieldOf(request.body, name, longestNumber)
  const limit = asked('max_tokens') ?? asked('max_completion_tokens')
  return typeof limit === 'number' && limit >= 0 ? limit : Infinity
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value))
}
