import type { ResponseHeaders } from '@spillway/middleware/kit'
import { boundedWait, header } from './retry-after.ts'

const anthropicDimensions = [
  'requests',
  'tokens',
  'input-tokens',
  'output-tokens',
  'priority-input-tokens',
  'priority-output-tokens',
]
const openaiDimensions = [
  ...['-requests', '-tokens', ''],
  ...['-requests-minute', '-requests-hour', '-requests-day', '-tokens-minute', '-tokens-hour', '-tokens-day'],
]

/** A time this large can only be milliseconds since the epoch; in seconds it would be the year 5138. */
const firstMilliseconds = 100_000_000_000

/**
 * How long until the limits that are used up are reset, in milliseconds, by the vendors' own headers:
 * `anthropic-ratelimit-*` (RFC 3339), `anthropic-ratelimit-unified-*` (Unix seconds), `x-ratelimit-*` (Go durations at
 * OpenAI, a Unix time at OpenRouter, seconds at Azure and Cerebras). At most 24 days; undefined where none is used up or nothing makes sense.
 * @param epoch milliseconds since the Unix epoch, now
 */
export function rateLimitResetMs(headers: ResponseHeaders, epoch: number): number | undefined {
  const waits: (number | undefined)[] = []
  for (const dimension of anthropicDimensions) {
    const prefix = dimension.startsWith('priority')
      ? `anthropic-${dimension}`
      : `anthropic-ratelimit-${dimension}`
    if (isUsedUp(headers, `${prefix}-remaining`))
      waits.push(untilDate(header(headers, `${prefix}-reset`), epoch))
  }
  for (const window of ['5h', '7d']) {
    const prefix = `anthropic-ratelimit-unified-${window}`
    if (header(headers, `${prefix}-status`) === 'rejected') {
      waits.push(untilUnixTime(header(headers, `${prefix}-reset`), epoch))
    }
  }
  for (const dimension of openaiDimensions) {
    if (!isUsedUp(headers, `x-ratelimit-remaining${dimension}`)) continue
    const reset = header(headers, `x-ratelimit-reset${dimension}`)
    waits.push(goDuration(reset) ?? untilUnixTime(reset, epoch) ?? seconds(reset))
  }
  const known = waits.filter((wait) => wait !== undefined)
  return known.length === 0 ? undefined : boundedWait(Math.max(...known))
}

function isUsedUp(headers: ResponseHeaders, name: string): boolean {
  const value = header(headers, name)
  return value !== undefined && /^\s*-?\d+\s*$/.test(value) && Number(value) <= 0
}

/** Dates have whole seconds: many answers, and several headers of each, name the same few. */
const parsed = new Map<string, number>()
const mostParsed = 16
const longestParsed = 40

/** `Date.parse` with a memory of the last few. */
export function parsedDate(value: string): number {
  const known = parsed.get(value)
  if (known !== undefined) return known
  const date = Date.parse(value)
  if (value.length > longestParsed) return date
  if (parsed.size >= mostParsed) parsed.clear()
  parsed.set(value, date)
  return date
}

export function untilDate(value: string | undefined, epoch: number): number | undefined {
  if (value === undefined || !/^\d{4}-\d\d-\d\dT/.test(value)) return undefined
  const date = parsedDate(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - epoch)
}

export function untilUnixTime(value: string | undefined, epoch: number): number | undefined {
  if (value === undefined || !/^\d{9,14}(\.\d+)?$/.test(value)) return undefined
  const time = Number(value)
  return Math.max(0, (time < firstMilliseconds ? time * 1000 : time) - epoch)
}

/** Milliseconds of a plain number of seconds, as Azure (`59`) and Cerebras (`33011.38`) write it. */
export function seconds(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,8}(\.\d+)?$/.test(value) ? Number(value) * 1000 : undefined
}

const units: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
  us: 0.001,
  µs: 0.001,
  ns: 0.000_001,
}

/** Milliseconds of a duration as Go writes it: `6m0s`, `1.5s`, `20ms`. */
export function goDuration(value: string | undefined): number | undefined {
  if (value === undefined || !/^(\d+(\.\d+)?(h|ms|m|us|µs|ns|s))+$/.test(value)) return undefined
  const parts = [...value.matchAll(/(\d+(?:\.\d+)?)(ms|us|µs|ns|h|m|s)/g)]
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (units[unit as string] as number), 0)
}
