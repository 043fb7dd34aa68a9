import type { Clock } from '@spillway/middleware'
import type { CancelTimer } from '@spillway/middleware/kit'
import { type AskOptions, type Channel, type Note, type Question, question } from './channel.ts'

/** Whether what workers share is decided by the primary, or by each worker for its share. */
export type Sharing = 'shared' | 'local'

/**
 * A worker's way to the primary, for what calls wait for. It is down from the first request that is not answered in time until the primary
 * answers again, and for ever when the channel is closed.
 */
export interface PrimaryLink {
  readonly status: Sharing
  readonly channel: Channel
  /** @throws when the primary does not answer in time, is gone, or the handler has failed */
  ask<Argument, Answer>(
    asked: Question<Argument, Answer>,
    argument: Argument,
    options?: AskOptions<Answer>,
  ): Promise<Answer>
  tell<Argument>(told: Note<Argument>, argument: Argument): boolean
  /** Calls back when the status changes; returns how to stop it. */
  onStatus(listener: (status: Sharing) => void): () => void
  close(): void
}

const ping: Question<undefined, true> = question('link.ping')

/** Lets a channel answer whether its process does. */
export function answerPings(channel: Channel): void {
  channel.answer(ping, () => true)
}

/**
 * How long a worker waits for the primary before it goes on by itself, in milliseconds. One that has ended is known at once; one that is late is
 * on a machine with much else to do, and worth waiting for: limits are exact only with it.
 */
const defaultTimeout = 2_000

export function openLink(
  channel: Channel,
  { timeout = defaultTimeout, clock }: { readonly timeout?: number | undefined; readonly clock: Clock },
): PrimaryLink {
  const listeners = new Set<(status: Sharing) => void>()
  let status: Sharing = channel.isOpen ? 'shared' : 'local'
  let cancelPing: CancelTimer = () => {}

  const set = (next: Sharing): void => {
    if (next === status) return
    status = next
    for (const listener of [...listeners]) listener(next)
  }
  const lookAgain = (): void => {
    cancelPing()
    if (!channel.isOpen) return
    cancelPing = clock.setTimer(2 * timeout, () => {
      channel.ask(ping, undefined, { deadline: timeout }).then(() => set('shared'), lookAgain)
    })
  }
  const fail = (error: unknown): void => {
    const { code } = error as { code?: unknown }
    if (code !== 'channel_timeout' && code !== 'channel_closed' && code !== 'channel_full') return
    if (status === 'local') return
    set('local')
    lookAgain()
  }
  const stopWatching = channel.onClose(() => {
    cancelPing()
    set('local')
  })

  return {
    channel,
    get status() {
      return status
    },
    async ask(asked, argument, options) {
      try {
        return await channel.ask(asked, argument, { deadline: timeout, ...options })
      } catch (error) {
        fail(error)
        throw error
      }
    },
    tell: (told, argument) => channel.tell(told, argument),
    onStatus(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close() {
      stopWatching()
      cancelPing()
      listeners.clear()
    },
  }
}
