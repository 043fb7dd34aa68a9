import { parseConfig, startGateway } from '@spillway/gateway'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { book } from './book.ts'
import { spillway } from './gateways/spillway.ts'
import { keyVariable } from './gateways/spillway-config.ts'
import { countFaults, type Row } from './row.ts'
import { type RunningBook, runBook, verdictsOf } from './run-book.ts'

/** A gateway in this process, from its sources. */
async function startHere(config: string): Promise<{ url: string; stop(): Promise<void> }> {
  const { config: valid } = parseConfig(config, 'fault-book.yaml')
  const gateway = await startGateway(valid)
  return { url: gateway.url, stop: () => gateway.close(0) }
}

/** Most of the time of a row is a wait for a limit. */
const waiting = 18

async function problemsAlone(row: Row): Promise<readonly string[]> {
  const [verdict] = await verdictsOf([row], spillway(startHere))
  return verdict?.problems ?? ['no verdict']
}

let running: RunningBook

beforeAll(async () => {
  process.env[keyVariable] = 'sk-fault-book'
  running = await runBook(book, spillway(startHere, waiting))
})
afterAll(() => running.stop())

it('the book has a hundred faults and more', () => {
  expect(countFaults(book)).toBeGreaterThanOrEqual(100)
})

it('no two rows have the same name', () => {
  expect(new Set(book.map(({ id }) => id)).size).toBe(book.length)
})

describe('Spillway', () => {
  it.each(book.map((row, index) => [row.id, row, index] as const))(
    '%s',
    { timeout: 60_000 },
    async (_, row, index) => {
      const verdict = await running.verdicts[index]
      // Beside other tests, a machine overruns limits of half a second now and then. Alone the row must hold.
      const isWell = verdict?.problems.length === 0
      expect(isWell ? [] : await problemsAlone(row)).toEqual([])
    },
  )
})
