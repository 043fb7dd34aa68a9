import type { Audit } from '@spillway/gateway-api'
import type { AuditLog } from '@spillway/ledger'
import { type Clock, systemClock } from '@spillway/middleware'
import type { TenantNames } from './tenant-names.ts'

/** Rows looked through for one answer at most; the next page goes on from there. */
const mostScanned = 10_000
const pageSize = 500

/** How long it looks for one answer, in milliseconds, whatever it has found. */
const longestScan = 3000

/** How much later than its time an entry may be written, in milliseconds: a journal waits for the database. */
const longestDelay = 3_600_000

const isOf = (asked: string, action: string): boolean =>
  asked.startsWith('-') ? action !== asked.slice(1) : action === asked

export interface AuditFilter {
  readonly limit: number
  /** Entries before that place. */
  readonly before?: number | undefined
  /** Entries that contain this text. */
  readonly query?: string | undefined
  /** Entries of this action; with a minus before it, all but those. */
  readonly action?: string | undefined
  /** Entries of this range. */
  readonly range?: { readonly from: number; readonly to: number } | undefined
}

/** The log from its end, or from before a place in it. */
export async function readAudit(
  log: Pick<AuditLog, 'head' | 'anchor' | 'read'>,
  { limit, before, query, action, range }: AuditFilter,
  names: TenantNames,
  clock: Pick<Clock, 'now'> = systemClock,
): Promise<Audit> {
  const until = clock.now() + longestScan
  const [{ seq: last }, { seq: pruned }] = await Promise.all([log.head(), log.anchor()])
  const entries: Audit['entries'][number][] = []
  const wanted =
    query === undefined ? undefined : [query, ...names.like(query)].map((text) => text.toLowerCase())
  let through = Math.min(last, (before ?? last + 1) - 1)
  for (let scanned = 0; through > pruned && scanned < mostScanned; scanned += pageSize) {
    if (scanned > 0 && clock.now() >= until) break
    const from = Math.max(pruned, through - pageSize)
    const rows = await log.read(from, through - from)
    for (const { seq, entry } of rows.reverse()) {
      if (wanted !== undefined && !wanted.some((text) => entry.toLowerCase().includes(text))) continue
      const { at, actor, details, ...told } = JSON.parse(entry) as Omit<Audit['entries'][number], 'sequence'>
      // Entries are in the order of their times, but for those of other gateways.
      if (range !== undefined && at < range.from - longestDelay) return { entries }
      if (range !== undefined && (at < range.from || at >= range.to)) continue
      if (action !== undefined && !isOf(action, told.action)) continue
      if (entries.length === limit) return { entries, next: String(entries.at(-1)?.sequence) }
      const { subject, ...rest } = details
      entries.push({
        ...{ sequence: seq, at, actor, actorName: names.of(actor), action: told.action },
        ...{ subject: String(subject ?? ''), details: rest },
      })
    }
    through = from
  }
  return through > pruned ? { entries, next: String(through + 1) } : { entries }
}
