import type { Clock } from '@spillway/middleware'
import type { JsonBody } from '@spillway/middleware/kit'
import {
  type EnforcedLimits,
  enforceLimits,
  isRefusal,
  type LimitedVendor,
  limitedVendor,
  type PoolLimits,
  type SimulatedAnswer,
} from '@spillway/testing'
import { exponential, randomFor } from '../seeded-random.ts'
import { models } from './traffic.ts'

/** The vendor's limits of each pool for a number of agents: too few at the peaks for the largest, plenty at night. */
export function poolLimits(
  agents: number,
): Required<
  Pick<
    PoolLimits,
    'requestsPerMinute' | 'inputTokensPerMinute' | 'outputTokensPerMinute' | 'countRequestsPerMinute'
  >
> {
  const scale = agents / 500
  return {
    requestsPerMinute: Math.ceil(2_000 * scale),
    // A few agents need more, for the long answers of one.
    inputTokensPerMinute: Math.ceil(1_600_000 * scale),
    outputTokensPerMinute: Math.ceil(200_000 * Math.max(0.4, scale)),
    countRequestsPerMinute: 5_000,
  }
}

/** Which share of the vendor's pool other programs use on average. */
export const othersShare = 0.25

export interface DayVendor {
  readonly limits: EnforcedLimits
  readonly vendor: LimitedVendor
  /** What the vendor will do with a request of this body. */
  readonly answers: WeakMap<JsonBody, SimulatedAnswer>
  /** Input that others have used, by model. */
  readonly othersUsed: Map<string, number>
}

/** @param onOutput hears of output that is generated for the agents */
export function dayVendor(
  clock: Clock,
  agents: number,
  onOutput: (model: string, tokens: number, admittedAt: number) => void,
): DayVendor {
  const limits = enforceLimits({ limits: poolLimits(agents), clock })
  /** The same limits, as the agents' calls meet them. */
  const heard: EnforcedLimits = {
    ...limits,
    admit(call) {
      const lease = limits.admit(call)
      if (isRefusal(lease)) return lease
      const admittedAt = clock.now()
      const generated = (tokens: number): void => {
        onOutput(call.model, tokens, admittedAt)
        lease.generated(tokens)
      }
      return { headers: lease.headers, generated, end: () => lease.end() }
    },
  }
  const answers = new WeakMap<JsonBody, SimulatedAnswer>()
  const answer = ({ body, model }: { readonly body: JsonBody; readonly model: string }): SimulatedAnswer => {
    const known = answers.get(body)
    if (known === undefined) throw new Error('a request that no agent has made')
    // "Earlier retries will fail": for as long as a 429 says, it holds for the pool.
    if (known.fault?.retryAfter !== undefined) limits.close(model, known.fault.retryAfter * 1_000)
    return known
  }
  return { limits, vendor: limitedVendor({ limits: heard, answer }), answers, othersUsed: new Map() }
}

/** Other programs with the same organisation: calls at random, in spells of more and of less. */
export function startOthers(
  { limits, othersUsed }: DayVendor,
  clock: Clock,
  seed: number,
  endAt: number,
): void {
  models.forEach(([model], index) => {
    const random = randomFor(seed, index, 4)
    const perMinute = (limits.meters(model).inputTokens?.limit ?? 0) * othersShare
    const outputPerMinute = (limits.meters(model).outputTokens?.limit ?? 0) * othersShare
    const call = perMinute / 20
    let spell = 1
    let spellEnds = 0
    const next = (): void => {
      if (clock.now() >= endAt) return
      if (clock.now() >= spellEnds) {
        spell = 0.4 + 1.2 * random()
        spellEnds = clock.now() + (5 + 25 * random()) * 60_000
      }
      const inputTokens = Math.ceil(call * 2 * random())
      const lease = limits.admit({ model, inputTokens })
      if (!isRefusal(lease)) {
        othersUsed.set(model, (othersUsed.get(model) ?? 0) + inputTokens)
        lease.generated(Math.round((outputPerMinute / 20) * 2 * random()))
        lease.end()
      }
      clock.setTimer(exponential(random, 60_000 / (20 * spell)), next)
    }
    clock.setTimer(exponential(random, 3_000), next)
  })
}
