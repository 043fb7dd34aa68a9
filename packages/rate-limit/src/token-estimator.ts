import type { ModelRequest, Usage } from '@spillway/middleware'
import { fieldOf, RecentMap } from '@spillway/middleware/kit'
import { conversationOf } from '@spillway/wire'
import { type PromptSize, promptSizeOf, promptTokens } from '@spillway/wire/internal'
import { ConversationTurns, expectAfter, type Prompt, type Turn, tokensIn } from './conversation-turns.ts'
import type { Cost } from './limits.ts'

/** What the text of a body comes to, until real usage says better. */
const firstBytesPerToken = 3.5

/** What a token of text can have at least and at most, in bytes: what lies outside is not text, or not what was counted. */
const leastBytesPerToken = 1
const mostBytesPerToken = 10

/** How much a new observation counts. */
const weight = 0.2

/** Answers up to this quantile fit their reservation. */
const quantile = 0.9

/** The same where long answers, which are rare, make much of a difference. */
const slowWeight = weight / 10

const firstOutput = 500

/** Prompts with fewer tokens are in no vendor's cache. */
const smallestCached = 1_000

/** Models that are remembered; callers choose their names. Of further ones, those that were asked longest ago are forgotten. */
const mostModels = 1_000

interface Learned {
  bytesPerToken: number
  /**
   * How much of an estimated prompt counts, on average: where a conversation begins, where it goes on, and of small ones,
   * to which vendors may add more than they have.
   */
  readonly shares: { first: number | undefined; later: number | undefined; small: number }
  output: number
  step: number
  meanOutput: number | undefined
  /** Sums of output and of its square, in which what is long past hardly counts. */
  readonly past: { output: number; square: number }
}

/** What a call will take by the time that it is admitted, and by what that was estimated. */
export interface Estimate extends Cost {
  /** Undefined where nothing is to be learned from the call. */
  readonly prompt?: EstimatedPrompt | undefined
  /** For how long it is worth something, in milliseconds: the prompt cache forgets. @default for ever */
  readonly holdsFor?: number
}

interface EstimatedPrompt extends Prompt {
  readonly model: string
  /** Its tokens, cached or not, by its size. */
  readonly all: number
  readonly turn: keyof Learned['shares']
  /** What the conversation is called, and the turn before this one. */
  readonly conversation: string | undefined
  readonly before: Turn | undefined
  /** What is expected to count. */
  readonly expected: number | undefined
  /** For how long it is, in milliseconds. @default for ever */
  readonly holdsFor?: number
}

export interface TokenEstimatorOptions {
  /**
   * Whether tokens read from the prompt cache count as input.
   * @default false
   */
  readonly countCacheReads?: boolean
}

const nothing: Estimate = { inputTokens: 0, outputTokens: 0 }

/** An estimate whose call has waited and goes to the vendor now: from now on the vendor's cache keeps its prompt. */
export function sentAt(estimate: Estimate, now: number): Estimate {
  const { prompt } = estimate
  return prompt === undefined ? estimate : { ...estimate, prompt: { ...prompt, at: now } }
}

/**
 * Guesses what a call will take before it is sent, and learns from what calls took. The prompt by its size, media apart,
 * and by what of it the vendor will find in its cache: as the conversation's last turn tells, else as conversations of the
 * model usually have it. Output by a running quantile, since `max_tokens` says what an answer may have, not what it has.
 */
export class TokenEstimator {
  readonly #countsReads: boolean
  readonly #models = new RecentMap<Learned>(mostModels)
  readonly #conversations = new ConversationTurns()

  constructor({ countCacheReads = false }: TokenEstimatorOptions = {}) {
    this.#countsReads = countCacheReads
  }

  estimate(request: ModelRequest): Estimate {
    // Counting is free.
    if (request.operation === 'count_tokens') return nothing
    const learned = this.#of(request.model)
    const prompt = this.#prompt(request, learned)
    const limit = limitOf(request)
    return {
      inputTokens: Math.ceil(reserve(prompt, learned)),
      outputTokens: Math.ceil(Math.min(reservedOutput(learned), limit)),
      predicted: {
        inputTokens: Math.floor(prompt.expected ?? 0),
        outputTokens: Math.floor(Math.min(learned.meanOutput ?? 0, learned.output, limit)),
      },
      prompt,
      holdsFor: prompt.holdsFor ?? Infinity,
    }
  }

  /** Learns from a call whose usage is exact. */
  learn({ prompt }: Estimate, usage: Usage): void {
    if (prompt === undefined) return
    const learned = this.#of(prompt.model)
    this.#learnPrompt(learned, prompt, usage)
    learnOutput(learned, usage.outputTokens)
  }

  #prompt(request: ModelRequest, learned: Learned): EstimatedPrompt {
    const { model, body, clock } = request
    const { bytesPerToken, shares } = learned
    const size = promptSizeOf(body)
    const all = tokensIn(size, bytesPerToken)
    const sized = { model, size, all, at: clock.now(), conversation: undefined, before: undefined }
    if (all < smallestCached) return { ...sized, turn: 'small', expected: shares.small * all }
    const found = conversationOf(request)
    const conversation = found && `${model}\n${found.key}`
    const before = conversation && this.#conversations.before(conversation, size, bytesPerToken)
    // What has become shorter has a new beginning.
    const isShorter = conversation && before === undefined && this.#conversations.has(conversation)
    const turn = isShorter || found?.isFirstTurn !== false ? 'first' : 'later'
    if (before) {
      const next = expectAfter(before, sized, bytesPerToken)
      const expected = this.#countsReads ? next.all : next.counted
      const holdsFor = this.#countsReads ? Infinity : next.holdsFor
      return { ...sized, all: next.all, turn, conversation, before, expected, holdsFor }
    }
    const share = this.#countsReads ? 1 : shares[turn]
    return { ...sized, turn, conversation, expected: share === undefined ? undefined : share * all }
  }

  #learnPrompt(learned: Learned, prompt: EstimatedPrompt, usage: Usage): void {
    const { size, all, turn, conversation, before, expected } = prompt
    const total = promptTokens(usage)
    // Some servers do not say.
    if (total === 0) return
    learnText(learned, size, total)
    const counted = this.#countsReads ? total : total - usage.cacheReadTokens
    if (turn === 'small') {
      if (size.mediaTokens === 0 && all > 0)
        learned.shares.small = shareAfter(learned.shares.small, counted / all)
      return
    }
    // A first turn that is asked again is in the cache, which tells nothing of others.
    const isRepeated = turn === 'first' && before !== undefined
    if (!isRepeated) learned.shares[turn] = shareAfter(learned.shares[turn], counted / total)
    if (conversation !== undefined) {
      this.#conversations.learn(conversation, prompt, usage, before, expected)
    }
  }

  #of(model: string): Learned {
    const learned = this.#models.get(model) ?? {
      bytesPerToken: firstBytesPerToken,
      shares: { first: undefined, later: undefined, small: 1 },
      output: firstOutput,
      step: 50,
      meanOutput: undefined,
      past: { output: 0, square: 0 },
    }
    this.#models.set(model, learned)
    return learned
  }
}

/** Somewhat more than what is expected. */
function reserve({ all, before, expected, turn }: EstimatedPrompt, { shares }: Learned): number {
  if (turn === 'small') return Math.max(all, expected ?? all)
  if (before !== undefined) return Math.min(all, (expected ?? all) + 2 * before.error)
  // More of a prompt is in the cache when a conversation goes on than when it begins, so that this errs to the high side.
  const usual = expected ?? all * (turn === 'later' ? (shares.first ?? 1) : 1)
  return Math.min(all, 2 * usual)
}

/**
 * Most answers have no more than the quantile. But a long answer is in flight for longer: what those in flight come to on
 * average is the mean of the squares by the mean, which is more where some answers are very long.
 */
function reservedOutput({ output, past }: Learned): number {
  return Math.max(output, past.square / Math.max(1, past.output))
}

function learnText(learned: Learned, { textBytes, mediaTokens }: PromptSize, total: number): void {
  const bytesPerToken = textBytes / total
  if (mediaTokens > 0 || bytesPerToken < leastBytesPerToken || bytesPerToken > mostBytesPerToken) return
  const usual = learned.bytesPerToken
  const observed = clamp(bytesPerToken, usual / 2, usual * 2)
  learned.bytesPerToken += weight * Math.min(1, total / smallestCached) * (observed - usual)
}

/** A mean that one call does not change by much: caches are missed now and then. */
function shareAfter(usual: number | undefined, observed: number): number {
  if (usual === undefined) return observed
  return usual + weight * (clamp(observed, usual / 4, Math.max(usual * 4, usual + 0.1)) - usual)
}

/** A running quantile by small steps, which grow while all observations lie on one side; and a mean. */
function learnOutput(learned: Learned, observed: number): void {
  const isAbove = observed > learned.output
  const direction = isAbove ? quantile : quantile - 1
  learned.output = Math.max(1, learned.output + learned.step * direction)
  learned.step = clamp(Math.abs(observed - learned.output) * weight, 1, 10_000)
  const mean = learned.meanOutput ?? observed
  learned.meanOutput = mean + weight * (observed - mean)
  const { past } = learned
  past.output = (1 - slowWeight) * past.output + observed
  past.square = (1 - slowWeight) * past.square + observed ** 2
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
