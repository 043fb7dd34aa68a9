import { type AttemptReport, reportAttempt } from './error.ts'
import type { SpillwayEvent } from './events.ts'

/** How many reports are kept: the first half of them, and the latest. */
const mostReports = 20

/**
 * What became of a call on its way, in order: its attempts, and the refusals of Spillway's own, such as that of a fallback
 * whose circuit is open. Of many the first ten are kept and the last ten.
 */
export class AttemptReports {
  readonly list: AttemptReport[] = []

  /** A listener for the request. */
  readonly hear = (event: SpillwayEvent): void => {
    if (event.type === 'attempt.ended') this.#add(reportAttempt(event.target, event.outcome))
    else if (event.type === 'refused') {
      this.#add({ target: event.target, failure: event.failure, durationMs: 0 })
    }
  }

  #add(report: AttemptReport): void {
    if (this.list.length === mostReports) this.list.splice(mostReports / 2, 1)
    this.list.push(report)
  }
}

/**
 * Failures in short, for a header: `claude overloaded 529 (3 times), local circuit_open`. Undefined where none failed. It holds
 * names, kinds and statuses, and no word of anyone's.
 */
export function failuresInShort(
  reports: readonly Pick<AttemptReport, 'target' | 'failure'>[],
): string | undefined {
  const told: { text: string; times: number }[] = []
  for (const { target, failure } of reports) {
    if (failure === undefined) continue
    const { kind, status } = failure
    const text = [headerWord(target ?? 'spillway'), kind, status]
      .filter((part) => part !== undefined)
      .join(' ')
    const last = told.at(-1)
    if (last?.text === text) last.times++
    else told.push({ text, times: 1 })
  }
  if (told.length === 0) return undefined
  return told.map(({ text, times }) => (times === 1 ? text : `${text} (${times} times)`)).join(', ')
}

/** A name as it can stand in a header, between commas and spaces. */
function headerWord(name: string): string {
  return name.slice(0, 64).replace(/[^\x21-\x7e]|[,()]/g, '_')
}
