import { type AuditRow, canonicalJson, hashOf } from './audit-chain.ts'
import type { AuditLog, AuditMark } from './audit-log.ts'

/** What is wrong with a row, by its place. */
export interface AuditProblem {
  readonly seq: number
  /** `missing`: rows are gone before this place, or at the end. `unsigned`: rows were pruned and no entry says so. */
  readonly kind: 'altered' | 'missing' | 'reordered' | 'unsigned'
}

/** What a verification found. */
export interface AuditReport {
  readonly rows: number
  /** The last row seen. */
  readonly head: AuditMark
  /** Empty for a log that is whole. */
  readonly problems: readonly AuditProblem[]
}

const pageSize = 1000

/**
 * Reads the whole log and checks each row against the one before. Who can write to the database can also make a whole new
 * chain: pass a `head` that was kept elsewhere to find that.
 */
export async function verifyAudit(log: AuditLog, known?: AuditMark): Promise<AuditReport> {
  const problems: AuditProblem[] = []
  const anchor = await log.anchor()
  let previous: AuditMark = anchor
  let rows = 0
  let isSigned = anchor.seq === 0
  let isKnown = known === undefined || (known.seq === anchor.seq && known.hash === anchor.hash)
  /** Of all rows; a link to one of them that is not the one before means that rows changed places. */
  const hashes = new Set<string>([anchor.hash])
  const broken: AuditRow[] = []
  for await (const row of allRows(log)) {
    rows++
    hashes.add(row.hash)
    if (row.seq !== previous.seq + 1) problems.push({ seq: row.seq, kind: 'missing' })
    else if (row.prev !== previous.hash) broken.push(row)
    if (hashOf(row.prev, row.entry) !== row.hash) problems.push({ seq: row.seq, kind: 'altered' })
    isSigned ||= signs(row, anchor)
    isKnown ||= known?.seq === row.seq && known.hash === row.hash
    previous = row
  }
  for (const { seq, prev } of broken) problems.push({ seq, kind: hashes.has(prev) ? 'reordered' : 'missing' })
  const head = await log.head()
  const isCut = head.seq !== previous.seq || head.hash !== previous.hash
  if (isCut || !isKnown) problems.push({ seq: Math.max(head.seq, known?.seq ?? 0), kind: 'missing' })
  if (!isSigned) problems.push({ seq: anchor.seq, kind: 'unsigned' })
  const { seq, hash } = previous
  return { rows, head: { seq, hash }, problems: problems.sort((a, b) => a.seq - b.seq) }
}

/** The whole log as JSON Lines: each line a row with its entry, place and hashes. */
export async function* exportAudit(log: AuditLog): AsyncGenerator<string> {
  for await (const { seq, entry, prev, hash } of allRows(log))
    yield `{"seq":${seq},"prev":"${prev}","hash":"${hash}","entry":${entry}}\n`
}

async function* allRows(log: AuditLog): AsyncGenerator<AuditRow> {
  let after = -1
  for (;;) {
    const page = await log.read(after, pageSize)
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < pageSize) return
    after = last.seq
  }
}

function signs({ entry }: AuditRow, { seq, hash }: AuditMark): boolean {
  return (
    entry.includes('"action":"audit.pruned"') && entry.includes(`"details":${canonicalJson({ seq, hash })}`)
  )
}
