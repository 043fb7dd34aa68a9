import type { RecordedRequest } from '@spillway/testing'
import type { Seen } from './caller.ts'
import type { Row } from './row.ts'

/** Everything that can be said about a call afterwards. */
export interface Observation {
  readonly seen: Seen
  readonly sentBody: Buffer
  readonly first: readonly RecordedRequest[]
  readonly second: readonly RecordedRequest[]
  /** `performance.now()` when the caller left. */
  readonly leftAt: number | undefined
}

/** What came of a row. */
export interface Verdict {
  readonly row: Row
  /** What is wrong; nothing, when all is well. */
  readonly problems: readonly string[]
  /** In a few words. */
  readonly seen: string
  /** False where other gateways are not judged. */
  readonly isJudged: boolean
  readonly ms: number
}
