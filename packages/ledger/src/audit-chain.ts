import { hash as digest } from 'node:crypto'
import type { AuditSigner } from './audit-keys.ts'

/** An audited action: a call, or an administrative act. Never put a secret into it. */
export interface AuditEntry {
  /** Unique; an entry that is appended twice is there once. */
  readonly id: string
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  /** Who, such as a tenant or an administrator. */
  readonly actor: string
  /** What, such as `call` or `key.created`. */
  readonly action: string
  /** The rest: from where, with which key's name, with what outcome. Plain JSON. */
  readonly details: { readonly [name: string]: unknown }
}

/** An entry with the text of its row. What goes to another thread: a text is copied for less than an object. */
export interface WrittenEntry extends Pick<AuditEntry, 'id' | 'at'> {
  /** Its canonical JSON. */
  readonly text: string
}

/** An entry in its place. */
export interface AuditRow {
  /** 1 for the first ever; without gaps. */
  readonly seq: number
  /** The id of the entry. */
  readonly id: string
  /** When the entry says it happened. */
  readonly at: number
  /** What `hash` covers: 1 for `prev` and `entry` alone, as rows were before; 2 for every column before it. */
  readonly version: number
  /** The id of the key of `mac`; null where the log has none. */
  readonly key_id: string | null
  /** The entry as canonical JSON. */
  readonly entry: string
  /** The hash of the row before; {@link genesis} for the first. */
  readonly prev: string
  /** SHA-256 in hex, see {@link hashOf}. */
  readonly hash: string
  /** HMAC-SHA-256 of the hash under the key, in hex. */
  readonly mac: string | null
}

/** A place in the chain. */
export interface AuditMark {
  readonly seq: number
  readonly hash: string
}

/** The hash before the first row. */
export const genesis: string = '0'.repeat(64)

/** The version of rows that are written today. */
export const currentVersion = 2

/** Of the entry by which the signed rows begin behind others. */
export const signedAction = 'audit.signed'

/** JSON with sorted keys and without spaces, so that the same entry is always the same text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sorted(value))
}

/** A copy whose keys are in order, at every depth, or the value where they are. A replacer of JSON.stringify takes three times as long. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || isSorted(value)) return value
  if ('toJSON' in value && typeof value.toJSON === 'function') return sorted(value.toJSON())
  if (Array.isArray(value)) return value.map(sorted)
  const copy: Record<string, unknown> = {}
  for (const name of Object.keys(value).sort()) {
    const inner = sorted((value as Record<string, unknown>)[name])
    if (name !== '__proto__') copy[name] = inner
    else Object.defineProperty(copy, name, { value: inner, enumerable: true })
  }
  return copy
}

/** Whether JSON.stringify writes a value with its keys in order by itself: entries of calls are made so. */
function isSorted(value: object): boolean {
  if ('toJSON' in value) return false
  let last = ''
  for (const name of Object.keys(value)) {
    if (name < last) return false
    last = name
    const inner: unknown = (value as Record<string, unknown>)[name]
    if (typeof inner === 'object' && inner !== null && !isSorted(inner)) return false
  }
  return true
}

/** What `hash` must be, by the row's version; undefined for a version that is not known. */
export function hashOf(row: Omit<AuditRow, 'hash' | 'mac'>): string | undefined {
  const { seq, id, at, version, key_id, entry, prev } = row
  if (version === 1) return sha256(`${prev}\n${entry}`)
  if (version === 2) return sha256(JSON.stringify(['spillway-audit/2', seq, id, at, key_id, prev, entry]))
  return undefined
}

export function writtenEntry(entry: AuditEntry): WrittenEntry {
  return { id: entry.id, at: entry.at, text: canonicalJson(entry) }
}

/** The row of an entry behind another. */
export function chained(entry: WrittenEntry, last: AuditMark, signer: AuditSigner | undefined): AuditRow {
  const row = {
    seq: last.seq + 1,
    id: entry.id,
    at: entry.at,
    version: currentVersion,
    key_id: signer?.id ?? null,
    entry: entry.text,
    prev: last.hash,
  }
  const hash = hashOf(row) as string
  return { ...row, hash, mac: signer?.macOfRow(hash) ?? null }
}

/** Whether the columns of a row say what its entry says. */
export function fitsItsEntry({ id, at, entry }: AuditRow): boolean {
  const inside = entryOf(entry)
  return inside?.id === id && inside.at === at
}

/** An entry by its text; undefined for a text that is none. */
export function entryOf(text: string): AuditEntry | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as AuditEntry) : undefined
  } catch {
    return undefined
  }
}

const sha256 = (text: string): string => digest('sha256', text)
