import { inTenMinutes } from './memory-lines.ts'
import type { SoakSample } from './run.ts'
import { sparkline } from './sparkline.ts'

const mebibyte = 2 ** 20
const mb = (bytes: number): string => (bytes / mebibyte).toFixed(1)

/** What is held, as plots name it. */
const held: readonly (readonly [name: string, read: (sample: SoakSample) => number, unit: string])[] = [
  ['RSS', ({ rss }) => rss / mebibyte, 'MB'],
  ['heap', ({ heapUsed }) => heapUsed / mebibyte, 'MB'],
  ['descriptors', ({ descriptors }) => descriptors, ''],
  ['timers', ({ resources }) => resources.Timeout ?? 0, ''],
]

/** The figures of now in one line. */
export function liveLine(samples: readonly SoakSample[], warmUp: number): string {
  const now = samples.at(-1)
  if (now === undefined) return ''
  const before = samples.at(-2)
  const rate = before === undefined ? 0 : (now.sent - before.sent) / (now.at - before.at)
  const warm = samples.filter(({ at }) => at >= warmUp * 60)
  const slope =
    warm.length < 10
      ? 'warming up'
      : `${(inTenMinutes(warm, ({ rss }) => rss) / mebibyte).toFixed(2)} MB in ten minutes`
  const { reloads, vendorKeys, clientKeys } = now.changes
  return [
    `${Math.floor(now.at / 60)}:${String(Math.floor(now.at % 60)).padStart(2, '0')}`,
    `RSS ${mb(now.rss)} MB (${slope})`,
    `heap ${mb(now.heapUsed)} MB`,
    `${now.descriptors} descriptors`,
    `${now.resources.Timeout ?? 0} timers`,
    `${rate.toFixed(0)} calls/s`,
    `${now.inFlight} in flight (${now.streams} long)`,
    `${reloads} reloads, ${vendorKeys + clientKeys} new keys`,
  ].join(' · ')
}

/** What was held from the first call to the last, in a few lines. */
export function plotInText(samples: readonly SoakSample[], width = 72): string[] {
  return held.map(([name, read, unit]) => {
    const values = samples.map(read)
    const [least, most] = [Math.min(...values), Math.max(...values)].map((value) =>
      value.toFixed(unit === '' ? 0 : 1),
    )
    return `${name.padEnd(12)}${sparkline(values, width)}  ${least} to ${most} ${unit}`.trimEnd()
  })
}
