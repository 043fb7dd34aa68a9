import type { AuditLog } from '@spillway/ledger'
import { virtualClock } from '@spillway/testing'
import { expect, it } from 'vitest'
import type { Books } from '../ledger/books.ts'
import { readAudit } from './audit-view.ts'
import { ledgerViews } from './ledger-views.ts'
import { sharedReads } from './shared-reads.ts'
import { tenantNames } from './tenant-names.ts'

const noNames = tenantNames(() => ({}))

it('answers with what is booked while the last rows cannot be booked', async () => {
  const clock = virtualClock()
  const store = { calls: async () => ({ calls: [], next: undefined }) } as unknown as Books['store']
  const views = ledgerViews(
    { store, flush: () => new Promise(() => {}) },
    sharedReads(),
    () => 0,
    async () => undefined,
    async () => false,
    noNames,
    clock,
  )
  expect(await clock.runUntil(views.calls({ limit: 5, format: 'json' }))).toEqual({
    calls: [],
    next: undefined,
  })
  expect(clock.now()).toBe(2000)
})

it('gives the page that it has when a search of the audit log takes long', async () => {
  const clock = virtualClock()
  const log = {
    head: async () => ({ seq: 9_000 }),
    anchor: async () => ({ seq: 0 }),
    async read(after: number, count: number) {
      await new Promise<void>((resolve) => void clock.setTimer(800, resolve))
      return Array.from({ length: count }, (_, at) => ({ seq: after + at + 1, entry: '{}' }))
    },
  } as unknown as AuditLog
  const page = await clock.runUntil(readAudit(log, { limit: 5, query: 'not there' }, noNames, clock))
  expect(page).toEqual({ entries: [], next: '7001' })
})
