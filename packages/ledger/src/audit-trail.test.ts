import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { virtualClock } from '@spillway/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { AuditEntry } from './audit-chain.ts'
import { createAuditTrail } from './audit-trail.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-trail-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A log that can be away, and that tells when an entry comes twice. */
function memoryLog() {
  const ids = new Set<string>()
  const taken: unknown[] = []
  const log = {
    isAway: false,
    /** Takes a batch, and fails all the same. */
    losesAnswers: false,
    taken,
    async append(entries: readonly AuditEntry[]) {
      if (log.isAway) throw new Error('away')
      for (const { id, details } of entries) {
        if (!ids.has(id)) taken.push(details.number)
        ids.add(id)
      }
      if (log.losesAnswers) throw new Error('the connection broke')
    },
  }
  return log
}

/** Ids end with the number of the entry in its process. */
const numberOf = (id: string): number => Number(id.slice(id.lastIndexOf('-') + 1))

/** Waits for the disk, which no virtual clock advances. */
async function settled(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 2000 && !(await condition()); tries++) await pause(5)
}

const entry = (number: number) => ({ actor: 'someone', action: 'call', details: { number } })

it('appends entries in their order, in batches', async () => {
  const log = memoryLog()
  const clock = virtualClock()
  const trail = createAuditTrail({ log, clock, maxRows: 2 })
  for (const number of [1, 2, 3, 4, 5]) trail.record(entry(number))
  expect(log.taken).toEqual([])
  await clock.advance(300)
  expect(log.taken).toEqual([1, 2, 3, 4, 5])
  expect(trail.state).toMatchObject({ buffered: 0, lost: 0, isAway: false })
})

it('keeps entries on disk while the log is unavailable, and brings them in their order', async () => {
  const log = memoryLog()
  log.isAway = true
  const trail = createAuditTrail({ log, journal: folder })
  trail.record(entry(1))
  await trail.flush()
  trail.record(entry(2))
  await trail.flush()
  expect(trail.state).toMatchObject({ isAway: true, buffered: 0, lost: 0 })
  expect(
    readdirSync(folder, { recursive: true }).filter((name) => /\d\.jsonl$/.test(`${name}`)),
  ).toHaveLength(2)
  log.isAway = false
  trail.record(entry(3))
  await trail.close()
  expect(log.taken).toEqual([1, 2, 3])
  expect(readdirSync(folder)).toEqual([])
  expect(trail.state).toMatchObject({ isAway: false, journalBytes: 0 })
})

it('brings what an earlier process left behind', async () => {
  const log = memoryLog()
  log.isAway = true
  const before = createAuditTrail({ log, journal: folder })
  before.record(entry(1))
  await before.close()
  log.isAway = false
  const after = createAuditTrail({ log, journal: folder })
  after.record(entry(2))
  await after.close()
  expect(log.taken).toEqual([1, 2])
})

it('does not double what the log took without an answer', async () => {
  const log = memoryLog()
  log.losesAnswers = true
  const trail = createAuditTrail({ log, journal: folder })
  trail.record(entry(1))
  await trail.flush()
  log.losesAnswers = false
  await trail.close()
  expect(log.taken).toEqual([1])
})

it('takes many at once from a log that is far away: in few batches, and on disk rather than beyond its memory', async () => {
  const taken = new Set<string>()
  let appends = 0
  // Each round trip takes 60 ms, and an append has eight.
  const clock = virtualClock()
  const log = {
    async append(entries: readonly AuditEntry[]) {
      appends++
      await new Promise<void>((resolve) => clock.setTimer(480, resolve))
      for (const { id } of entries) taken.add(id)
    },
  }
  const trail = createAuditTrail({ log, journal: folder, clock })
  for (let second = 0; second < 10; second++) {
    for (let number = 0; number < 3000; number++) trail.record(entry(number))
    await settled(async () => {
      await clock.advance(100)
      return trail.state.buffered <= 7000
    })
  }
  await settled(async () => {
    await clock.advance(1000)
    return taken.size === 30_000
  })
  expect(trail.state).toMatchObject({ lost: 0, isAway: false })
  expect(taken.size).toBe(30_000)
  expect([...taken]).toEqual([...taken].sort((a, b) => numberOf(a) - numberOf(b)))
  expect(appends).toBeLessThan(100)
}, 20_000)

it('counts what neither memory nor disk can take', async () => {
  const log = memoryLog()
  log.isAway = true
  const trail = createAuditTrail({ log, maxBuffered: 2 })
  for (const number of [1, 2, 3]) trail.record(entry(number))
  await trail.flush()
  expect(trail.state).toMatchObject({ buffered: 2, lost: 1 })
  log.isAway = false
  await trail.close()
  expect(log.taken).toEqual([1, 2])
})
