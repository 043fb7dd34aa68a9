import type { Clock } from '@spillway/middleware'
import type { SharedText } from '../alerts/board-store.ts'
import { type ExpiringTexts, memoryTexts } from '../sign-in/expiring-texts.ts'
import { type Channel, type Question, question } from './channel.ts'
import type { PrimaryLink } from './primary-link.ts'

const agree: Question<readonly [name: string, own: string], string> = question('texts.agree')
const setExpiring: Question<readonly [key: string, text: string, ms: number], void> =
  question('texts.set-expiring')
const getExpiring: Question<string, string | undefined> = question('texts.get-expiring')
const takeExpiring: Question<string, string | undefined> = question('texts.take-expiring')
const read: Question<string, { readonly text: string | undefined; readonly now: number }> =
  question('texts.read')
const replace: Question<
  readonly [name: string, before: string | undefined, after: string | undefined],
  boolean
> = question('texts.replace')

/** Texts in the memory of the primary. Their names come from the configuration and the code, never from callers. */
export interface TextsHost {
  serve(channel: Channel): void
}

export function textsHost(clock: Pick<Clock, 'epoch'>): TextsHost {
  const agreed = new Map<string, string>()
  const texts = new Map<string, string>()
  const expiring = memoryTexts(clock)
  return {
    serve(channel) {
      channel.answer(agree, ([name, own]) => {
        const first = agreed.get(name) ?? own
        agreed.set(name, first)
        return first
      })
      channel.answer(setExpiring, ([key, text, ms]) => expiring.set(key, text, ms))
      channel.answer(getExpiring, (key) => expiring.get(key))
      channel.answer(takeExpiring, (key) => expiring.take(key))
      channel.answer(read, (name) => ({ text: texts.get(name), now: Math.round(clock.epoch()) }))
      channel.answer(replace, ([name, before, after]) => {
        if (texts.get(name) !== before) return false
        if (after === undefined) texts.delete(name)
        else texts.set(name, after)
        return true
      })
    },
  }
}

/** How long a text may take, in milliseconds. No call waits for one. */
const patience = 1_000

/** The texts of the primary, as a worker reaches them. */
export interface RemoteTexts {
  agree(name: string, own: string, heard: (agreed: string) => void): Promise<boolean>
  readonly expiring: ExpiringTexts
  text(name: string): SharedText
}

export function remoteTexts({ channel, onStatus }: PrimaryLink): RemoteTexts {
  const within = { deadline: patience }
  return {
    async agree(name, own, heard) {
      let current = own
      let isKnown = false
      const ask = async (): Promise<boolean> => {
        try {
          const first = await channel.ask(agree, [name, current], within)
          if (first !== current) heard(first)
          current = first
          isKnown = true
          return true
        } catch {
          return false
        }
      }
      onStatus((status) => {
        if (status === 'shared' && !isKnown) void ask()
      })
      return ask()
    },
    expiring: {
      set: (key, text, ms) => channel.ask(setExpiring, [key, text, ms], within),
      get: (key) => channel.ask(getExpiring, key, within),
      take: (key) => channel.ask(takeExpiring, key, within),
    },
    text: (name) => ({
      read: () => channel.ask(read, name, within),
      replace: (before, after) => channel.ask(replace, [name, before, after], within),
    }),
  }
}
