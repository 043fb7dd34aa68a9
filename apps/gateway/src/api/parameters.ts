import type { RangeName, TimeRange, Usage } from './contract.ts'

/** What is wrong with a question, for whoever asked it. */
export class BadParameter extends Error {
  readonly parameter: string

  constructor(parameter: string, message: string) {
    super(`${parameter}: ${message}`)
    this.parameter = parameter
  }
}

const minute = 60_000

/** How long each range is, and the steps of its series, in milliseconds. */
export const ranges: Readonly<Record<RangeName, { readonly length: number; readonly step: number }>> = {
  '15m': { length: 15 * minute, step: minute },
  '1h': { length: 60 * minute, step: minute },
  '24h': { length: 1_440 * minute, step: 30 * minute },
  '7d': { length: 10_080 * minute, step: 240 * minute },
  '30d': { length: 43_200 * minute, step: 1_440 * minute },
}

export const groupings: readonly Usage['by'][] = ['model', 'tenant', 'target', 'role', 'day']

/** @throws BadParameter for one that is not in `known`, or is there twice */
export function checkNames(query: URLSearchParams, known: readonly string[]): void {
  for (const name of query.keys()) {
    if (!known.includes(name)) {
      const there = known.length === 0 ? 'there are no parameters here' : `there are ${known.join(', ')}`
      // A long one may be a key that was pasted in the wrong place.
      throw new BadParameter(name.length > 20 ? 'query' : name, `unknown parameter; ${there}`)
    }
    if (query.getAll(name).length > 1) throw new BadParameter(name, 'given more than once')
  }
}

/** The part of the past that is asked for: whole steps, the last one under way. @default 24h */
export function rangeOf(query: URLSearchParams, now: number): TimeRange & { readonly step: number } {
  const name = oneOf(query, 'range', Object.keys(ranges) as RangeName[], '24h')
  const { length, step } = ranges[name]
  const to = Math.ceil((now + 1) / step) * step
  return { from: to - length, to, step }
}

export function oneOf<T extends string>(
  query: URLSearchParams,
  name: string,
  values: readonly T[],
  otherwise: T,
): T {
  const value = query.get(name) ?? otherwise
  const found = values.find((each) => each === value)
  if (found === undefined) throw new BadParameter(name, `expected one of ${values.join(', ')}`)
  return found
}

export function wholeNumber(
  query: URLSearchParams,
  name: string,
  otherwise: number | undefined,
  max: number,
): number | undefined {
  const text = query.get(name)
  if (text === null || text === '') return otherwise
  const value = Number(text)
  if (!/^\d{1,15}$/.test(text) || value < 1 || value > max)
    throw new BadParameter(name, `expected a whole number from 1 to ${max}`)
  return value
}

/** Text to look for; empty is nothing. */
export function textOf(query: URLSearchParams, name: string): string | undefined {
  const text = query.get(name) ?? ''
  if (text.length > 200) throw new BadParameter(name, 'expected at most 200 characters')
  return text === '' ? undefined : text
}

/** Where a page ends, as a page has said it itself. */
export function cursorOf(query: URLSearchParams, name: string): string | undefined {
  const text = textOf(query, name)
  if (text !== undefined && !/^\d{1,15}\../s.test(text))
    throw new BadParameter(name, 'expected `next` of another page')
  return text
}
