import { InvalidArgumentError } from 'commander'
import {
  globProblem,
  nameProblem,
  permissionProblem,
  targetProblem,
  teamProblem,
} from '../clients/client-values.ts'
import { parseAge, parseDuration } from '../config/duration.ts'
import { expectedPriority, type Priority, readPriority } from '../shedding/priority.ts'

// What options of `spillway clients` take, each with an error that says what is expected.

export function clientName(text: string): string {
  return checked(text, nameProblem(text))
}

/** As claims give it: what has no @ is known under a prefix. */
export function signedInName(text: string): string {
  if (!/^[\x21-\x7e]{1,200}$/.test(text))
    throw new InvalidArgumentError('expected a name as the log shows it, such as alice@example.com.')
  if (text.includes('@')) return text.toLowerCase()
  return text.startsWith('oidc:') ? text : `oidc:${text}`
}

export function team(text: string): string {
  return checked(text, teamProblem(text))
}

export function list(text: string): readonly string[] {
  const names = parts(text)
  return checked(names, permissionProblem(names))
}

export function globs(text: string): readonly string[] {
  const all = parts(text)
  return checked(all, globProblem(all))
}

export function targets(text: string): readonly string[] {
  const all = parts(text)
  return checked(all, targetProblem(all))
}

export function tokens(text: string): number {
  if (text === 'any') return Infinity
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('expected a whole number above 0, or any.')
  return Number(text)
}

export function priority(text: string): Priority {
  const read = readPriority(text)
  if (read === undefined) throw new InvalidArgumentError(`${expectedPriority}.`)
  return read
}

/** Milliseconds from now. */
export function expiry(text: string): number {
  if (text === 'never') return Infinity
  const ms = parseAge(text) ?? parseDuration(text)
  if (ms === undefined || ms === 0 || ms > longest)
    throw new InvalidArgumentError('expected a length such as 90d, 12h or 30m, or never.')
  return ms
}

/** Milliseconds. */
export function overlap(text: string): number {
  const ms = parseAge(text) ?? parseDuration(text)
  if (ms === undefined || ms > longest)
    throw new InvalidArgumentError('expected a length such as 24h, 7d or 0s.')
  return ms
}

/** A hundred years. */
const longest = 36_525 * 24 * 3_600_000

function checked<T>(value: T, problem: string | undefined): T {
  if (problem !== undefined) throw new InvalidArgumentError(`${problem}.`)
  return value
}

const parts = (text: string): string[] => [
  ...new Set(
    text
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean),
  ),
]
