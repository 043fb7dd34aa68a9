import type { AuditLog } from '@spillway/ledger'
import { type Clock, systemClock } from '@spillway/middleware'
import type { Audit } from './contract.ts'

/** Rows looked through for one answer at most; the next page goes on from there. */
const mostScanned = 10_000
const pageSize = 500

/** How long it looks for one answer, in milliseconds, whatever it has found. */
const longestScan = 3000

export interface AuditFilter {
  readonly limit: number
  /** Entries before that place. */
  readonly before?: number | undefined
  /** Entries that contain this text. */
  readonly query?: string | undefined
}

/** The log from its end, or from before a place in it. */
export async function readAudit(
  log: Pick<AuditLog, 'head' | 'anchor' | 'read'>,
  { limit, before, query }: AuditFilter,
  clock: Pick<Clock, 'now'> = systemClock,
): Promise<Audit> {
  const until = clock.now() + longestScan
  const [{ seq: last }, { seq: pruned }] = await Promise.all([log.head(), log.anchor()])
  const entries: Audit['entries'][number][] = []
  let through = Math.min(last, (before ?? last + 1) - 1)
  for (let scanned = 0; through > pruned && scanned < mostScanned; scanned += pageSize) {
    if (scanned > 0 && clock.now() >= until) break
    const from = Math.max(pruned, through - pageSize)
    const rows = await log.read(from, through - from)
    for (const { seq, entry } of rows.reverse()) {
      if (query !== undefined && !entry.toLowerCase().includes(query.toLowerCase())) continue
      if (entries.length === limit) return { entries, next: String(entries.at(-1)?.sequence) }
      const { at, actor, action, details } = JSON.parse(entry) as Omit<Audit['entries'][number], 'sequence'>
      const { subject, ...rest } = details
      entries.push({ sequence: seq, at, actor, action, subject: String(subject ?? ''), details: rest })
    }
    through = from
  }
  return through > pruned ? { entries, next: String(through + 1) } : { entries }
}
