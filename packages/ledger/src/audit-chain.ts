import { createHash } from 'node:crypto'

/** Something that somebody did: a call, or an administrative act. Never put a secret into it. */
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

/** An entry in its place. */
export interface AuditRow {
  /** 1 for the first ever; without gaps. */
  readonly seq: number
  /** The entry as canonical JSON. */
  readonly entry: string
  /** The hash of the row before; {@link genesis} for the first. */
  readonly prev: string
  /** SHA-256 over `prev` and `entry`, in hex. */
  readonly hash: string
}

/** What stands before the first row. */
export const genesis: string = '0'.repeat(64)

/** JSON with sorted keys and without spaces, so that the same entry is always the same text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}

export function hashOf(prev: string, entry: string): string {
  return createHash('sha256').update(`${prev}\n${entry}`).digest('hex')
}

/** The row of an entry behind another. */
export function chained(entry: AuditEntry, seq: number, prev: string): AuditRow {
  const text = canonicalJson(entry)
  return { seq, entry: text, prev, hash: hashOf(prev, text) }
}
