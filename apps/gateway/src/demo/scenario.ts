import type { Fault } from '@spillway/testing'

/** A part of the play: what happens to the simulated Claude meanwhile. */
export interface Scene {
  /** For the line that announces it. */
  readonly text: string
  /** Milliseconds. */
  readonly lasts: number
  /**
   * The fault of one attempt.
   * @param attempt which one of this scene it is, from 0
   * @param round how often the scene was played before, from 0
   */
  readonly fault?: (attempt: number, round: number) => Fault | undefined
}

const overloaded: Fault = { type: 'status', status: 529 }
const silent: Fault = { type: 'slow-first-token', ms: Number.POSITIVE_INFINITY }

const stumbles: readonly Fault[] = [
  overloaded,
  { type: 'cut', at: 'before-content', how: 'reset' },
  { type: 'error-in-200', at: 'before-content', errorType: 'overloaded_error' },
  { type: 'status', status: 429, retryAfter: 0 },
]

const outages: readonly Fault[] = [
  overloaded,
  { type: 'status', status: 500 },
  { type: 'slow-headers', ms: Number.POSITIVE_INFINITY },
  { type: 'error-in-200', at: 'before-content', errorType: 'overloaded_error' },
]

const pick = <T>(list: readonly T[], index: number): T => list[index % list.length] as T

/** What Claude goes through in the demo, over and over; once through takes about a minute. */
export const scenes: readonly Scene[] = [
  { text: 'Claude is well', lasts: 6_000 },
  {
    text: 'Claude is slow: every second attempt has no first word within 1.5 s',
    lasts: 8_000,
    fault: (attempt) => (attempt % 2 === 0 ? silent : undefined),
  },
  {
    text: 'Claude stumbles: every third attempt fails, and a retry succeeds',
    lasts: 12_000,
    fault: (attempt, round) => (attempt % 3 === 1 ? pick(stumbles, round + (attempt - 1) / 3) : undefined),
  },
  {
    text: 'Claude is down: every attempt fails, until its circuit opens and the local model is asked at once',
    lasts: 20_000,
    fault: (_, round) => pick(outages, round),
  },
  { text: 'Claude is back: the next probes find out and close its circuit', lasts: 16_000 },
]

/** The play as it goes on. */
export interface Scenario {
  /** The scene of this moment. */
  scene(): Scene
  /**
   * The fault of an attempt that arrives at this moment. It belongs to the moment: however many attempts a scene has
   * seen, or has been spared by an open circuit, nothing of it is left when the next scene begins.
   */
  fault(): Fault | undefined
}

/**
 * Plays the scenes in turn for ever.
 * @param now milliseconds of any clock that never goes back
 */
export function playScenario(now: () => number, played: readonly Scene[] = scenes): Scenario {
  const startedAt = now()
  const length = played.reduce((sum, { lasts }) => sum + lasts, 0)
  let current = { scene: -1, round: -1 }
  let attempts = 0

  const look = (): { scene: number; round: number } => {
    const elapsed = now() - startedAt
    const round = Math.floor(elapsed / length)
    let left = elapsed - round * length
    let scene = 0
    while (scene < played.length - 1 && left >= (played[scene] as Scene).lasts) {
      left -= (played[scene] as Scene).lasts
      scene++
    }
    if (scene !== current.scene || round !== current.round) {
      current = { scene, round }
      attempts = 0
    }
    return current
  }
  return {
    scene: () => played[look().scene] as Scene,
    fault() {
      const { scene, round } = look()
      return (played[scene] as Scene).fault?.(attempts++, round)
    },
  }
}
