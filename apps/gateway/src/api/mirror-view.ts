import type { Mirrors, TimeRange } from '@spillway/gateway-api'
import type { ComparedTargets } from '@spillway/ledger'

/** A mirror of the configuration, and how many calls it has left out since the start. */
export interface ConfiguredMirror {
  readonly from: string
  readonly to: string
  readonly sample: number
  readonly dropped: number
}

const noTimes = { p50: null, p95: null, p99: null }
const noSide = { failures: 0, firstContent: noTimes, total: noTimes, outputTokens: 0, costNano: null }

/** The mirrors of the configuration with what the ledger has of them, then those that the ledger alone knows. */
export function mirrorsView(
  range: TimeRange,
  configured: readonly ConfiguredMirror[],
  compared: readonly ComparedTargets[],
): Mirrors {
  const isSame = (a: { from: string; to: string }, b: { from: string; to: string }): boolean =>
    a.from === b.from && a.to === b.to
  const nothing = { comparisons: 0, primary: noSide, candidate: noSide, similarity: null, newest: [] }
  const earlier = compared.filter((each) => !configured.some((mirror) => isSame(mirror, each)))
  return {
    range,
    mirrors: [
      ...configured.map((mirror) => ({
        ...nothing,
        ...compared.find((each) => isSame(mirror, each)),
        ...mirror,
      })),
      ...earlier.map((each) => ({ ...each, sample: null, dropped: 0 })),
    ],
  }
}
