import type { Reply } from '@spillway/testing'
import type { FaultSource } from './fault-entry.ts'
import type { Shape } from './shape.ts'

/** When a caller leaves. */
export type LeaveAt = 'headers' | 'first-token' | 'mid-body' | 'back-off'

/** How the gateway is set up for a row, apart from its targets. */
export type Mode = 'standard' | 'continue' | 'restart' | 'keep-alive'

/** One call through a gateway, what goes wrong at its upstreams, and what must come of it. */
export interface Row {
  /** Unique. */
  readonly id: string
  readonly group: string
  /** The fault's name: rows of one name differ in scenario and shape. */
  readonly fault: string
  readonly scenario: string
  readonly shape: Shape
  readonly complaint?: string | undefined
  /** What the attempts at the first upstream meet, one after the other. */
  readonly faults: readonly FaultSource[]
  /** What every further attempt meets. */
  readonly always?: FaultSource | undefined
  /** Nothing listens at the first upstream. */
  readonly stopped?: boolean
  /** Whether there is a second target, and what each attempt there meets. */
  readonly fallback?:
    | {
        readonly always?: FaultSource | undefined
        /** A local server instead of another vendor. */
        readonly api?: 'ollama'
        readonly coldLoadMs?: number
      }
    | undefined
  readonly mode?: Mode
  readonly attemptLimit?: number | undefined
  readonly leaveAt?: LeaveAt
  readonly requestHeaders?: Readonly<Record<string, string>>
  readonly requestMore?: object
  readonly reply?: Reply
  /** What passes is the server's own way, byte for byte but for its end; its events contradict each other. */
  readonly isForeign?: boolean
  /** Other gateways do not offer this, so that they are not judged by it. */
  readonly ownFeature?: boolean
  readonly expected: Expectation
}

/** What must come of a row. */
export interface Expectation {
  /**
   * `answer`: 200, whole, the right text. `error`: an error of the caller's protocol. `broken`: a stream that begins and
   * ends with an error event. `event`: a stream of keep-alives that ends with an error event. `nothing`: it left.
   */
  readonly caller: 'answer' | 'restarted' | 'error' | 'broken' | 'event' | 'nothing'
  /** Who answers, or whose error it is. */
  readonly by: 'first' | 'second'
  readonly status: number
  /** Whether the status is the upstream's, so that every gateway must pass it on. */
  readonly statusPasses: boolean
  /** Whether the body is what the upstream sent, byte for byte. */
  readonly bytes: boolean
  readonly attempts: readonly [first: number, second: number]
  /** Milliseconds until the caller has everything. */
  readonly within: number
  /** Milliseconds after an unfinished request came by which its connection must be closed. */
  readonly closedAfter?: number | undefined
  /** Milliseconds until the caller has the first byte. */
  readonly firstByteWithin?: number
  /** Whether the upstream gets the request's JSON as the caller sent it. */
  readonly requestUnchanged?: boolean
}

/** How many faults the rows are about. */
export function countFaults(rows: readonly Row[]): number {
  return new Set(rows.map(({ fault }) => fault)).size
}
