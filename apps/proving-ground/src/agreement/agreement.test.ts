import { expect, it, onTestFinished } from 'vitest'
import { privatePostgres } from '../../../../packages/ledger/test/private-postgres.ts'
import { hasChromium } from '../../../dashboard/test/browser.ts'
import { compare, tableOf } from './figures.ts'
import { run } from './run.ts'

it('the upstreams, the ledger, the API, the metrics and the dashboard agree on what was used', async () => {
  const { titles, lines, courses } = await run({ calls: 400, seed: 7, browser: hasChromium() })
  expect(courses.size).toBe(13)
  for (const role of ['primary', 'retry', 'fallback', 'hedge', 'mirror'])
    expect(lines.map(({ name }) => name)).toContain(`attempts by role: ${role}`)
  const wrong = lines.filter(({ agrees }) => !agrees)
  expect(tableOf(titles, wrong)).toBe(tableOf(titles, []))
}, 60_000)

it('so they do with PostgreSQL', async ({ skip }) => {
  const postgres = await privatePostgres()
  if (postgres === undefined) return skip('PostgreSQL is not installed')
  onTestFinished(() => postgres.close())
  const { titles, lines } = await run({ calls: 400, seed: 11, postgres: postgres.url, browser: false })
  const wrong = lines.filter(({ agrees }) => !agrees)
  expect(tableOf(titles, wrong)).toBe(tableOf(titles, []))
}, 60_000)

it('a figure that differs, or that one source lacks of a kind that it tells, is a disagreement', () => {
  const lines = compare([
    new Map([
      ['calls', 2n],
      ['by role: hedge', 1n],
    ]),
    new Map([
      ['calls', 3n],
      ['by role: retry', 1n],
    ]),
    new Map(),
  ])
  expect(lines.map(({ name, values, agrees }) => [name, values, agrees])).toEqual([
    ['calls', [2n, 3n, undefined], false],
    ['by role: hedge', [1n, 0n, undefined], false],
    ['by role: retry', [0n, 1n, undefined], false],
  ])
})
