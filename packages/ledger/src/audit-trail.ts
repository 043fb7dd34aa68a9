import { type Clock, systemClock } from '@spillway/middleware'
import { guardListener, withDefaults } from '@spillway/middleware/kit'
import type { AuditEntry } from './audit-chain.ts'
import type { AuditLog } from './audit-log.ts'
import { BatchWriter, type WriterState } from './batch-writer.ts'
import { openDisk } from './disk.ts'
import { warnProcess } from './private-files.ts'

export interface AuditTrailOptions {
  readonly log: Pick<AuditLog, 'append'>
  /**
   * A folder for entries that wait while the database is unavailable; no other process may use it, and no ledger.
   * @default none: entries wait in memory
   */
  readonly journal?: string | undefined
  /**
   * What the journal holds at most, in bytes; entries beyond that are lost and counted.
   * @default 67108864
   */
  readonly maxJournalBytes?: number
  /**
   * Entries in one transaction.
   * @default 2000
   */
  readonly maxRows?: number
  /**
   * How long an entry waits for others, in milliseconds. So much is lost when the process is killed.
   * @default 250
   */
  readonly maxWait?: number
  /**
   * Entries in memory at most.
   * @default 10000
   */
  readonly maxBuffered?: number
  /**
   * How long the log may take for a batch, in milliseconds; then it counts as away, and the batch goes to the journal.
   * @default 5000
   */
  readonly writeTimeout?: number
  /**
   * Hears what the operator should know: that the log is unavailable, or back, that it refused an entry, what is wrong with files.
   * @default a warning of the process
   */
  readonly warn?: ((line: string) => void) | undefined
  readonly clock?: Clock | undefined
}

/** The defaults of {@link AuditTrailOptions}. */
export const auditTrailDefaults: Required<
  Pick<AuditTrailOptions, 'maxJournalBytes' | 'maxRows' | 'maxWait' | 'maxBuffered' | 'writeTimeout'>
> = {
  maxJournalBytes: 64 * 1024 * 1024,
  maxRows: 2000,
  maxWait: 250,
  maxBuffered: 10_000,
  writeTimeout: 5000,
}

/** Takes down what happens, for an audit log. */
export interface AuditTrail {
  /** Takes an entry. Never throws and never waits. */
  record(entry: Pick<AuditEntry, 'actor' | 'action' | 'details'>): void
  readonly state: WriterState
  /** Resolves when everything taken so far is in the log or in the journal. */
  flush(): Promise<void>
  /** Flushes, for three seconds at most: what the log has not taken by then is in the journal. Its store stays open. */
  close(): Promise<void>
}

/** Appends entries behind the calls' backs, in batches. An entry gets its place in the chain when the database takes it. */
export function createAuditTrail(options: AuditTrailOptions): AuditTrail {
  const settings = withDefaults(auditTrailDefaults, options)
  const { log, clock = systemClock } = options
  // Entries have ids, so that a retry after a lost acknowledgement is idempotent.
  const instance = `${clock.epoch().toString(36)}-${crypto.randomUUID()}`
  const warn = guardListener('auditTrail.warn', options.warn ?? warnProcess)
  const disk = openDisk<AuditEntry>(options.journal, settings.maxJournalBytes, instance, warn)
  const store = {
    write: (entries: readonly AuditEntry[], signal: AbortSignal) => log.append(entries, signal),
  }
  const writer = new BatchWriter<AuditEntry>(store, disk, clock, {
    ...settings,
    warn: (line) => warn(`audit log: ${line}`),
  })
  let entries = 0
  return {
    record({ actor, action, details }) {
      // In the order of the canonical JSON, for speed.
      writer.add({
        action,
        actor,
        at: Math.round(clock.epoch()),
        details,
        id: `${instance}-${entries++}`,
      })
    },
    get state() {
      return writer.state
    },
    flush: () => writer.flush(),
    close: () => writer.close(),
  }
}
