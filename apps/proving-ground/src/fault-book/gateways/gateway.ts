import type { Row } from '../row.ts'
import type { PreparedRow } from '../upstreams.ts'

/** How the book starts and calls a gateway. */
export interface GatewayAdapter {
  readonly name: string
  readonly version: string
  /** How it is configured, in a sentence or two. */
  readonly note: string
  /** Whether its own headers and its own choice of words are judged. */
  readonly isSpillway: boolean
  /** Whether it can be asked a row at all. @default all */
  serves?(row: Row): boolean
  /** Ports for a gateway that is configured by hand: rows run one after the other, and share them. */
  readonly ports?: FixedPorts
  /** How many rows may run at a time. */
  readonly lanes: number
  /** How many further rows may be in flight where others have come to wait, for a limit for instance. @default 0 */
  readonly waiting?: number
  start(rows: readonly PreparedRow[]): Promise<RunningGateway>
}

/** Where a gateway that is configured by hand finds its upstreams. */
export interface FixedPorts {
  readonly anthropic: readonly [first: number, second: number]
  readonly openai: readonly [first: number, second: number]
  readonly responses: readonly [first: number, second: number]
}

/** A gateway that answers. */
export interface RunningGateway {
  /** The base URL for a row. */
  urlFor(row: PreparedRow): string
  /** Headers that tell it what to do with a row. */
  headersFor(row: PreparedRow): Readonly<Record<string, string>>
  stop(): Promise<void>
}
