const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** What a duration must look like. */
export const durationPattern: RegExp = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/

/** Milliseconds of a duration such as `250ms`, `10s`, `1.5m` or `2h`; undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  const match = durationPattern.exec(text)
  if (match === null) return undefined
  const [, amount = '', unit = ''] = match
  return Number(amount) * (units[unit] as number)
}

/** What a length of days or hours must look like. */
export const agePattern: RegExp = /^(\d+(?:\.\d+)?)(h|d)$/

/** Milliseconds of a length such as `90d` or `12h`; undefined when it is none. */
export function parseAge(text: string): number | undefined {
  const match = agePattern.exec(text)
  if (match === null) return undefined
  const [, amount = '', unit = ''] = match
  return Number(amount) * (unit === 'd' ? 24 : 1) * 3_600_000
}

/** Milliseconds for people: `850 ms`, `1.8 s`, `2 m`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s`
  return `${Math.round(ms / 60_000)} m`
}
