import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { type FuzzResult, fuzz } from './run.ts'

/** A new seed is a new set of cases: this one is kept, so that the test says the same every time. */
const seed = 20_261_126

it('mutated requests and answers, and all former findings, leave the gateway as it should be', async () => {
  const findings = mkdtempSync(join(tmpdir(), 'spillway-findings-'))
  onTestFinished(() => rmSync(findings, { recursive: true, force: true }))
  const result = await fuzz({ requests: 2_000, seed, findings })
  expect(found(result)).toEqual([])
  expect(result.books.length).toBeGreaterThan(10)
  expect(result.kinds.get('corpus')).toBeGreaterThan(4)
  expect(result.kinds.size).toBeGreaterThan(20)
  expect(result.answers.size).toBeGreaterThan(20)
  expect(Number(result.statuses.get('200'))).toBeGreaterThan(800)
}, 180_000)

function found({ findings }: FuzzResult): object[] {
  return [...findings.groups.values()].map(({ problem, count, examples }) => ({
    problem,
    count,
    cases: examples.map(({ index, circumstances }) => `${index}: ${circumstances}`),
  }))
}
