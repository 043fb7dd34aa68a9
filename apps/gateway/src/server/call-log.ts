// Brings in the type of `fallback.switched`.
import type {} from '@spillway/circuit-breaker-fallback'
import {
  type AttemptReport,
  AttemptReports,
  type FailureKind,
  reportAttempt,
  type SpillwayEvent,
} from '@spillway/middleware'

/** What the events of one call add up to. */
export class CallLog {
  /** Attempts begun. */
  started = 0
  /** Attempts ended, in the order of their ends. */
  readonly attempts: AttemptReport[] = []
  /** The same and the refusals of Spillway's own, as far as they are told. */
  readonly reports: AttemptReports = new AttemptReports()
  /** Why the first target did not answer; undefined while nobody else was asked. */
  fallback: FailureKind | undefined

  /** The listener to give to the request. */
  readonly listener = (event: SpillwayEvent): void => {
    this.reports.hear(event)
    switch (event.type) {
      case 'attempt.started':
        this.started++
        return
      case 'attempt.ended':
        this.attempts.push(reportAttempt(event.target, event.outcome))
        return
      case 'fallback.switched':
        this.fallback ??= event.failure.kind
    }
  }
}
