import type { Redis } from 'ioredis'
import type { SharedText } from './board-store.ts'

/** Compares and sets atomically; an empty text means none. */
const replaceScript = `local now = redis.call('GET', KEYS[1]) or ''
if now ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return 1`

/** Keys expire after so long without a change, in milliseconds. */
const keptFor: number = 7 * 86_400_000

/** How long Redis may take, in milliseconds, before the gateway goes on by itself. */
const patience = 1_000

/** A text in Redis. */
export function redisText(redis: Pick<Redis, 'get' | 'time' | 'eval'>, key: string): SharedText {
  return {
    async read() {
      const [text, [seconds, micros]] = await inTime(Promise.all([redis.get(key), redis.time()]))
      return { text: text ?? undefined, now: Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000) }
    },
    async replace(before, after) {
      return (await inTime(redis.eval(replaceScript, 1, key, before ?? '', after ?? '', keptFor))) === 1
    },
  }
}

async function inTime<T>(answer: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => late.reject(new Error(`Redis has not answered within ${patience} ms`)),
    patience,
  )
  answer.catch(() => {})
  return Promise.race([answer, late.promise]).finally(() => clearTimeout(timer))
}
