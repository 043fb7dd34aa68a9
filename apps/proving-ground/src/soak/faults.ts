import type { Fault } from '@spillway/testing'
import { type Dice, weights } from '../fuzz/dice.ts'

/** The share of attempts at the first targets that something happens to. */
export const faultShare = 0.15

type Make = (dice: Dice) => Fault

/** What happens to them: waits are long beside the limits of the gateway, or short beside them. */
const faults = weights<readonly [string, Make]>([
  [20, ['529', () => ({ type: 'status', status: 529 })]],
  [8, ['429 with retry-after', () => ({ type: 'status', status: 429, retryAfter: 1 })]],
  [7, ['500', () => ({ type: 'status', status: 500 })]],
  [10, ['stall', (dice) => ({ type: 'stall', afterChunks: dice.int(3), ms: 8_000 })]],
  [3, ['no headers', () => ({ type: 'slow-headers', ms: 8_000 })]],
  [12, ['reset', () => ({ type: 'reset' })]],
  [
    15,
    [
      'cut',
      (dice) => ({
        type: 'cut',
        at: dice.pick(['headers', 'before-content', 'after-content', 'mid-event'] as const),
        how: dice.pick(['end', 'reset'] as const),
      }),
    ],
  ],
  [
    10,
    [
      'malformed',
      (dice) => ({ type: 'malformed', how: dice.pick(['json', 'empty', 'html', 'sse'] as const) }),
    ],
  ],
  [
    5,
    [
      'error in a 200',
      (dice) => ({ type: 'error-in-200', at: dice.pick(['start', 'after-content'] as const) }),
    ],
  ],
  [7, ['slow headers', (dice) => ({ type: 'slow-headers', ms: dice.between(100, 800) })]],
  [3, ['drip', () => ({ type: 'drip', bytes: 200, everyMs: 5 })]],
])

/** What happens to an attempt: a fault and its name, or nothing. */
export function faultOf(dice: Dice): { readonly name: string; readonly fault: Fault } | undefined {
  if (!dice.chance(faultShare)) return undefined
  const [name, make] = dice.weighted(faults)
  return { name, fault: make(dice) }
}
