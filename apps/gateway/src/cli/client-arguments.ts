import { InvalidArgumentError } from 'commander'
import { clientKeyStart } from '../clients/client-key.ts'
import { permissionNames } from '../clients/permissions.ts'
import { parseAge, parseDuration } from '../config/duration.ts'
import { expectedPriority, type Priority, readPriority } from '../shedding/priority.ts'

// What options of `spillway clients` take, each with an error that says what is expected.

export function clientName(text: string): string {
  if (text.startsWith(clientKeyStart) || text.startsWith('sk-'))
    throw new InvalidArgumentError('this looks like a key; give the name of the client, and replace the key.')
  // Such names are those of callers that a gateway without keys distinguishes.
  if (text.startsWith('key-')) throw new InvalidArgumentError('names that begin with key- are reserved.')
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text))
    throw new InvalidArgumentError(
      'expected a name of at most 64 letters, digits, dots, dashes, underscores.',
    )
  return text
}

export function team(text: string): string {
  if (!/^[\w .@-]{0,64}$/.test(text))
    throw new InvalidArgumentError('expected a name of at most 64 letters, digits, spaces, dots and dashes.')
  return text
}

export function list(text: string): readonly string[] {
  const names = parts(text)
  const unknown = names.find((name) => !permissionNames.includes(name))
  if (unknown !== undefined)
    throw new InvalidArgumentError(
      `there is no ${unknown.slice(0, 40)}; there are ${permissionNames.join(', ')}.`,
    )
  return names
}

export function globs(text: string): readonly string[] {
  const all = parts(text)
  const wrong = all.find((glob) => !/^[\w.:/@*-]{1,256}$/.test(glob))
  if (all.length === 0 || wrong !== undefined || all.length > 100)
    throw new InvalidArgumentError('expected names of models, such as claude-haiku-*,claude-sonnet-5-5.')
  return all
}

export function targets(text: string): readonly string[] {
  const all = parts(text)
  const wrong = all.find((glob) => !/^[\w.*-]{1,64}$/.test(glob))
  if (all.length === 0 || wrong !== undefined || all.length > 100)
    throw new InvalidArgumentError('expected names of targets of the configuration, such as claude,local.')
  return all
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

const parts = (text: string): string[] => [
  ...new Set(
    text
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean),
  ),
]
