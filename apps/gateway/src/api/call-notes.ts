import type { CallStory } from '@spillway/gateway-api'
import { RecentMap } from '@spillway/middleware/kit'
import type { FinishedCall } from './finished-calls.ts'

/** What is known of a call and not booked: what may quote the prompt, and what only its own page shows. */
export interface CallNote {
  /** What vendors said to attempts, by their numbers. */
  readonly messages: ReadonlyMap<number, string>
  readonly refusals: CallStory['refusals']
  readonly waits: CallStory['waits']
  readonly losses: CallStory['losses']
}

/** Characters of a message that are kept. */
const longestMessage = 1000

type NotedCall = Pick<FinishedCall, 'record' | 'waits' | 'losses'>

/** Remembers what was said of the latest calls that did not go well at once, that waited or lost something; so many of them. */
export class CallNotes {
  readonly #notes: RecentMap<CallNote>

  constructor(most = 2000) {
    this.#notes = new RecentMap(most)
  }

  /** Takes a call that has ended. */
  add({ record: { callId, attempts, reports }, waits, losses }: NotedCall): void {
    const messages = new Map<number, string>()
    for (const { number, outcome } of attempts) {
      const { failure } = outcome ?? {}
      if (failure !== undefined) messages.set(number, failure.message.slice(0, longestMessage))
    }
    const refusals = reports.flatMap(({ target, failure }) =>
      failure?.origin === 'spillway'
        ? [
            {
              target: target ?? null,
              failure: failure.kind,
              message: failure.message.slice(0, longestMessage),
            },
          ]
        : [],
    )
    if (messages.size + refusals.length + waits.length + losses.length === 0) return
    this.#notes.set(callId, { messages, refusals, waits, losses })
  }

  of(callId: string): CallNote | undefined {
    return this.#notes.get(callId)
  }
}
