import type { AuditRow } from './audit-chain.ts'
import type { AuditLog } from './audit-log.ts'

const pageSize = 1000

/** The whole log as JSON Lines: each line a row with its entry, place, hashes and MAC; the entry as it was hashed. */
export async function* exportAudit(log: AuditLog): AsyncGenerator<string> {
  for await (const { seq, version, key_id, prev, hash, mac, entry } of allRows(log)) {
    const place = JSON.stringify({ seq, version, key: key_id, prev, hash, mac })
    yield `${place.slice(0, -1)},"entry":${entry}}\n`
  }
}

async function* allRows(log: AuditLog): AsyncGenerator<AuditRow> {
  for (let after = -1; ; ) {
    const page = await log.read(after, pageSize)
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < pageSize) return
    after = last.seq
  }
}
