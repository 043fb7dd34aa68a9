import type { Clock } from '@spillway/middleware'

/** Texts that end by themselves. */
export interface ExpiringTexts {
  set(key: string, text: string, ms: number): Promise<void>
  get(key: string): Promise<string | undefined>
  /** Gets a text and removes it: of two that take it at a time, one gets it. */
  take(key: string): Promise<string | undefined>
}

/** Texts that are kept at most; beyond that the oldest ends. */
const most = 10_000

/** In the memory of this gateway. */
export function memoryTexts(clock: Pick<Clock, 'epoch'>, limit: number = most): ExpiringTexts {
  const texts = new Map<string, { readonly text: string; readonly until: number }>()
  const find = (key: string): string | undefined => {
    const found = texts.get(key)
    if (found !== undefined && clock.epoch() < found.until) return found.text
    texts.delete(key)
    return undefined
  }
  return {
    async set(key, text, ms) {
      texts.delete(key)
      if (texts.size >= limit) for (const each of texts.keys()) find(each)
      const [oldest] = texts.keys()
      if (texts.size >= limit && oldest !== undefined) texts.delete(oldest)
      texts.set(key, { text, until: clock.epoch() + ms })
    },
    get: async (key) => find(key),
    async take(key) {
      const text = find(key)
      texts.delete(key)
      return text
    },
  }
}
