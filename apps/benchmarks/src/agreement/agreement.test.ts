import { expect, it } from 'vitest'
import { hasChromium } from '../../../dashboard/test/browser.ts'
import { tableOf } from './figures.ts'
import { run } from './run.ts'

it('the upstreams, the ledger, the API, the metrics and the dashboard agree on what was used', async () => {
  const { titles, lines, courses } = await run({ calls: 400, seed: 7, browser: hasChromium() })
  expect(courses.size).toBe(13)
  for (const role of ['primary', 'retry', 'fallback', 'hedge', 'mirror'])
    expect(lines.map(({ name }) => name)).toContain(`attempts by role: ${role}`)
  const wrong = lines.filter(({ agrees }) => !agrees)
  expect(tableOf(titles, wrong)).toBe(tableOf(titles, []))
}, 60_000)
