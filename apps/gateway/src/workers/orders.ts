import type { ScopeMetrics } from '@opentelemetry/sdk-metrics'
import type { Config } from '../config/config.ts'
import type { ConfigProblem } from '../config/config-error.ts'
import type { CircuitChanged } from '../gateway.ts'
import type { TallyCounts } from '../log/tally.ts'
import type { ConfigDiff } from '../reload/config-diff.ts'
import { type Note, note, type Question, question } from './channel.ts'

/** What a worker begins with. */
export interface WorkerOrder {
  /** Its number, from 1; the one that replaces it has the same. */
  readonly id: number
  /** How many there are to be. */
  readonly count: number
  /** Of the program: a primary and its workers are of one. */
  readonly version: string
  readonly config: Config
  readonly port: number
  readonly host: string | undefined
  readonly exposed: boolean | undefined
  /** No lines for calls. */
  readonly quiet: boolean
  /** Columns of the terminal that the primary's standard output is. */
  readonly columns: number | undefined
  /** The file of the configuration, and where it names credentials, by `targets.NAME.endpoints.0.credential`. */
  readonly file: string
  readonly places: Readonly<Record<string, Omit<ConfigProblem, 'message'>>>
}

/** What workers are told of each other. */
export interface WorkersView {
  readonly running: number
  readonly wanted: number
  /** How many were started in place of one that had ended. */
  readonly restarts: number
}

/** How a worker is to end. */
export interface Closing {
  /** Milliseconds for the calls in flight. */
  readonly drain: number
  /** Milliseconds in which calls are still taken, while `/readyz` says 503. */
  readonly delay: number
  /** The others go on: `/readyz` does not turn, and clients find another worker at their next connection. */
  readonly isReplaced: boolean
}

/** What one that ends has served. */
export interface Served {
  /** Undefined where it has not begun. */
  readonly counts: TallyCounts | undefined
  readonly metrics: readonly ScopeMetrics[]
}

/** What a worker says that its log is not to say by itself: of several that say the same, one is heard. */
export type Said =
  | { readonly kind: 'warning'; readonly line: string }
  | { readonly kind: 'circuit'; readonly changed: CircuitChanged }
  | { readonly kind: 'vault'; readonly event: object & { readonly type: string } }

/** To a worker: begin, and say where you listen. */
export const serve: Question<WorkerOrder, { readonly url: string }> = question('worker.serve')
export const reload: Question<{ readonly config: Config; readonly subject: string }, ConfigDiff> =
  question('worker.reload')
/** To a worker: end, and say what you have served. A second one may only shorten the drain. */
export const close: Question<Closing, Served> = question('worker.close')
/** To a worker: note an act in the audit log. */
export const noteAct: Note<{ readonly action: string; readonly details: { readonly subject: string } }> =
  note('worker.note')
/** To a worker: does your event loop run? */
export const areYouThere: Question<undefined, true> = question('worker.are-you-there')
export const workersAre: Note<WorkersView> = note('workers.are')
/** From a worker: it is about to end by itself, and drains. */
export const leaving: Note<{ readonly why: string }> = note('worker.leaving')
export const said: Note<Said> = note('worker.said')
