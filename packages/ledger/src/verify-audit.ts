import { type AuditMark, type AuditRow, entryOf, fitsItsEntry, hashOf, signedAction } from './audit-chain.ts'
import { type AuditKey, auditSigners } from './audit-keys.ts'
import type { AuditLog } from './audit-log.ts'
import { placeOf } from './audit-marks.ts'
import { type PrunedRows, prunedBy } from './audit-pruning.ts'

/** What is wrong with a row, by its place. */
export interface AuditProblem {
  readonly seq: number
  /**
   * `altered`: a row is not what its hash covers. `missing`: rows are gone before this place, or at the end. `reordered`: it
   * changed places. `unsigned`: rows were removed up to here and no entry says so. `removed`: the row that was noted is gone,
   * and only an entry without a MAC says why. `replaced`: it is another one than was noted. `downgraded`: of version 1 behind
   * one of version 2. `unkeyed`: without a MAC where there must be one: behind or,
   * unless they were signed by an entry `audit.signed`, before rows that have one. `forged`: its MAC is wrong. `rekeyed`: signed with
   * a key that was not given behind one that was, or with one that had been replaced. `cut`: the end is not the one that was
   * signed.
   */
  readonly kind:
    | 'altered'
    | 'missing'
    | 'reordered'
    | 'unsigned'
    | 'removed'
    | 'replaced'
    | 'downgraded'
    | 'unkeyed'
    | 'forged'
    | 'rekeyed'
    | 'cut'
}

export interface VerifyOptions {
  /** A row as it was noted elsewhere; it must still be there. */
  readonly head?: AuditMark | undefined
  /** The keys that the log is or was signed with, the newest first. @default none: MACs are not checked */
  readonly keys?: AuditKey | readonly AuditKey[] | undefined
}

/** What the log says was removed from its front. */
export interface AuditRemoval extends PrunedRows {
  /** Whether its MAC was checked; without, whoever can write to the database can have written it. */
  readonly isAuthentic: boolean
}

/** What a verification found. */
export interface AuditReport {
  readonly rows: number
  /** The last row seen. */
  readonly head: AuditMark
  /** Empty for a log that is whole. */
  readonly problems: readonly AuditProblem[]
  /** Rows with a MAC that is right. */
  readonly authentic: number
  /** Ids of keys that rows are signed with and that were not given. */
  readonly unknownKeys: readonly string[]
  /** What was removed last, or where a head was noted that is gone, with that; undefined where nothing was. */
  readonly removal: AuditRemoval | undefined
}

const pageSize = 1000

/**
 * Reads the whole log and checks each row against the one before, also while others append and prune. Who can write to the
 * database can also make a whole new chain: pass a `head` that was kept elsewhere, or the keys of a log that has MACs.
 * @throws RangeError for a key that is too short, and the database's error
 */
export async function verifyAudit(log: AuditLog, options: VerifyOptions = {}): Promise<AuditReport> {
  const chain = new ChainCheck((await log.marks()).anchor, options)
  for (let after = -1; ; ) {
    const page = await log.read(after, pageSize)
    const next = await chain.takePage(page, log)
    if (next === undefined) break
    after = next
  }
  const { head } = await log.marks()
  // What was appended since the last page; all of it was there when the head was read.
  while (chain.last.seq < head.seq) {
    const page = (await log.read(chain.last.seq, pageSize)).filter(({ seq }) => seq <= head.seq)
    if (page.length === 0) break
    for (const row of page) chain.take(row)
  }
  return chain.report(head)
}

/** What is known of the chain up to a row. */
class ChainCheck {
  readonly #problems: AuditProblem[] = []
  readonly #signers: ReturnType<typeof auditSigners>
  readonly #noted: AuditMark | undefined
  #anchor: AuditMark
  last: AuditMark
  #rows = 0
  #authentic = 0
  #isNotedThere = false
  /** Of all rows; a link to one of them that is not the one before means that rows changed places. */
  readonly #hashes = new Set<string>()
  readonly #broken: AuditRow[] = []
  #version = 1
  /** Of the last row that was signed. */
  #keyId: string | null = null
  readonly #keyIds = new Set<string>()
  #lastPruning: PrunedRows | undefined
  /** Says that everything up to the anchor was removed. */
  #anchorRemoval: AuditRemoval | undefined
  /** The first one that is there and reaches as far as the row that was noted. */
  #notedRemoval: AuditRemoval | undefined

  constructor(anchor: AuditMark, { head, keys }: VerifyOptions) {
    this.#signers = auditSigners(keys)
    this.#noted = head
    this.#anchor = anchor
    this.last = anchor
    this.#hashes.add(anchor.hash)
  }

  /** Takes rows; gives the place to read on behind, or undefined at the end. */
  async takePage(page: readonly AuditRow[], log: AuditLog): Promise<number | undefined> {
    for (const row of page) {
      if (row.seq > this.last.seq + 1) {
        const { anchor } = await log.marks()
        if (anchor.seq > this.last.seq) {
          // They were pruned meanwhile; an entry further on has to say so.
          this.#anchor = anchor
          this.last = anchor
          this.#hashes.add(anchor.hash)
          return anchor.seq
        }
      }
      this.take(row)
    }
    return page.length < pageSize ? undefined : page.at(-1)?.seq
  }

  take(row: AuditRow): void {
    this.#rows++
    this.#hashes.add(row.hash)
    if (row.seq !== this.last.seq + 1) this.#found(row, 'missing')
    else if (row.prev !== this.last.hash) this.#broken.push(row)
    if (hashOf(row) !== row.hash || !fitsItsEntry(row)) this.#found(row, 'altered')
    if (row.version < this.#version) this.#found(row, 'downgraded')
    this.#version = row.version
    const isAuthentic = this.#checkKey(row)
    this.#checkPruning(row, isAuthentic)
    if (this.#noted?.seq === row.seq) this.#isNotedThere = this.#noted.hash === row.hash
    this.last = placeOf(row)
  }

  report(head: Awaited<ReturnType<AuditLog['marks']>>['head']): AuditReport {
    for (const row of this.#broken) this.#found(row, this.#hashes.has(row.prev) ? 'reordered' : 'missing')
    const isCut = head.seq !== this.last.seq || head.hash !== this.last.hash
    if (isCut) this.#found(head, 'missing')
    else this.#checkEnd(head)
    if (this.#anchor.seq > 0 && this.#anchorRemoval === undefined) this.#found(this.#anchor, 'unsigned')
    const removal = this.#checkNoted(isCut) ?? this.#anchorRemoval
    return {
      rows: this.#rows,
      head: this.last,
      problems: this.#problems.sort((a, b) => a.seq - b.seq),
      authentic: this.#authentic,
      unknownKeys: [...this.#keyIds].filter((id) => !this.#signers.some((signer) => signer.id === id)),
      removal,
    }
  }

  #found({ seq }: { readonly seq: number }, kind: AuditProblem['kind']): void {
    this.#problems.push({ seq, kind })
  }

  /** Whether the row has a MAC that is right. */
  #checkKey(row: AuditRow): boolean {
    const { key_id: id, mac, hash } = row
    if (id === null || mac === null) {
      if (id !== null || mac !== null) this.#found(row, 'forged')
      else if (this.#keyId !== null) this.#found(row, 'unkeyed')
      return false
    }
    const signer = this.#signers.find((each) => each.id === id)
    const isFirst = this.#keyId === null && this.#rows > 1
    if (isFirst && entryOf(row.entry)?.action !== signedAction) this.#found(this.last, 'unkeyed')
    if (id !== this.#keyId) {
      // Writers never go back to a key that was replaced, nor from one that they know to one that they do not.
      const isUnknown = signer === undefined && this.#authentic > 0
      if (this.#keyIds.has(id) || isUnknown) this.#found(row, 'rekeyed')
      this.#keyIds.add(id)
      this.#keyId = id
    }
    if (signer === undefined) return false
    const isRight = signer.macOfRow(hash) === mac
    if (isRight) this.#authentic++
    else this.#found(row, 'forged')
    return isRight
  }

  #checkPruning(row: AuditRow, isAuthentic: boolean): void {
    const pruned = prunedBy(row)
    if (pruned === undefined) return
    const { from, through } = pruned
    const before = this.#lastPruning?.through
    // Each goes on where the one before it ended.
    if (from !== undefined && before !== undefined && !isSame(from, before)) this.#found(row, 'unsigned')
    this.#lastPruning = pruned
    const removal = { ...pruned, isAuthentic }
    if (isSame(through, this.#anchor)) this.#anchorRemoval = removal
    if (this.#noted !== undefined && through.seq >= this.#noted.seq) this.#notedRemoval ??= removal
  }

  #checkEnd(head: Awaited<ReturnType<AuditLog['marks']>>['head']): void {
    const { seq } = this.last
    // A key was given: some row must be signed with it, and the last one with the newest.
    const [newest] = this.#signers
    if (newest !== undefined && this.#authentic === 0) return this.#found({ seq }, 'unkeyed')
    if (newest !== undefined && this.#keyId !== newest.id) this.#found({ seq }, 'rekeyed')
    if (this.#keyId === null) return
    const signer = this.#signers.find(({ id }) => id === this.#keyId)
    const isSigned =
      head.key_id === this.#keyId && (signer === undefined || head.mac === signer.macOfEnd(head))
    if (!isSigned) this.#found({ seq }, 'cut')
  }

  #checkNoted(isCut: boolean): AuditRemoval | undefined {
    const noted = this.#noted
    if (noted === undefined || this.#isNotedThere) return undefined
    if (noted.seq > this.last.seq) {
      if (!isCut) this.#found(noted, 'missing')
      return undefined
    }
    const isRemoved = noted.seq <= this.#anchor.seq
    if (!isRemoved || (noted.seq === this.#anchor.seq && noted.hash !== this.#anchor.hash)) {
      this.#found(noted, 'replaced')
      return undefined
    }
    if (this.#anchorRemoval?.isAuthentic !== true) this.#found(noted, 'removed')
    return this.#notedRemoval ?? this.#anchorRemoval
  }
}

function isSame(a: AuditMark, b: AuditMark): boolean {
  return a.seq === b.seq && a.hash === b.hash
}
