import type { CallStory } from '@spillway/gateway-api'
import { type CallRecord, RecentMap } from '@spillway/middleware'

/** What was said of a call that is not booked, since it may quote the prompt. */
export interface CallNote {
  /** What vendors said to attempts, by their numbers. */
  readonly messages: ReadonlyMap<number, string>
  readonly refusals: CallStory['refusals']
}

/** Characters of a message that are kept. */
const longestMessage = 1000

/** Remembers what was said of the latest calls that did not go well at once; so many of them. */
export class CallNotes {
  readonly #notes: RecentMap<CallNote>

  constructor(most = 2000) {
    this.#notes = new RecentMap(most)
  }

  /** Takes a call that has ended. */
  add({ callId, attempts, reports }: CallRecord): void {
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
    if (messages.size === 0 && refusals.length === 0) return
    this.#notes.set(callId, { messages, refusals })
  }

  of(callId: string): CallNote | undefined {
    return this.#notes.get(callId)
  }
}
