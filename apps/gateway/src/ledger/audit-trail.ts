import { randomUUID } from 'node:crypto'
import type { AuditEntry, AuditLog } from '@spillway/ledger'
import { type CancelTimer, type Clock, systemClock } from '@spillway/middleware'

/** Entries that wait at most; further ones are lost, and counted. */
const mostWaiting = 10_000
/** Entries in one transaction. */
const batchSize = 200
const firstWait = 250
const longestWait = 30_000

export interface AuditTrail {
  /** Takes an entry. Never throws and never waits. */
  record(entry: Pick<AuditEntry, 'actor' | 'action' | 'details'>): void
  /** Entries that found no room while the database was away. */
  readonly lost: number
  /** Writes what waits, once; what the database does not take then is lost. */
  close(): Promise<void>
}

/** Appends entries behind the calls' backs; while the database is away they wait in memory. */
export function openAuditTrail(log: AuditLog, clock: Clock = systemClock): AuditTrail {
  const instance = randomUUID()
  let number = 0
  let waiting: AuditEntry[] = []
  let lost = 0
  let wait = firstWait
  let cancel: CancelTimer | undefined
  let running: Promise<void> | undefined
  let isClosed = false

  const write = async (): Promise<void> => {
    try {
      while (waiting.length > 0) {
        const batch = waiting.slice(0, batchSize)
        // An entry has an id of its own, so that one whose acknowledgement was lost is not there twice.
        await log.append(batch)
        waiting = waiting.slice(batch.length)
      }
      wait = firstWait
    } catch {
      wait = Math.min(wait * 2, longestWait)
    }
  }
  const schedule = (): void => {
    if (isClosed || cancel !== undefined || running !== undefined) return
    cancel = clock.setTimer(wait, () => {
      cancel = undefined
      running = write().finally(() => {
        running = undefined
        if (waiting.length > 0) schedule()
      })
    })
  }
  return {
    record(entry) {
      if (waiting.length >= mostWaiting) {
        lost++
        return
      }
      waiting.push({ id: `${instance}-${number++}`, at: Math.round(clock.epoch()), ...entry })
      schedule()
    },
    get lost() {
      return lost
    },
    async close() {
      if (isClosed) return
      isClosed = true
      cancel?.()
      await running
      await write()
      lost += waiting.length
    },
  }
}
