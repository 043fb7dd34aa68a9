/**
 * Whether everybody agrees on what was used: the upstreams' own record of a mix of calls, the ledger's rows, `/api`,
 * `/metrics`, and the dashboard in Chromium. `pnpm prove agreement [--calls N] [--seed N] [--postgres] [--check]`
 */
import { parseArgs } from 'node:util'
import { privatePostgres } from '../../../../packages/ledger/test/private-postgres.ts'
import { hasChromium } from '../../../dashboard/test/browser.ts'
import { tableOf } from './figures.ts'
import { run } from './run.ts'

const { values: options } = parseArgs({
  options: {
    calls: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    postgres: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (options.help) {
  console.log(`Usage: pnpm prove agreement [--calls N] [--seed N] [--postgres] [--check]

Sends a mix of calls through a gateway (streamed, cut, cancelled, retried, hedged, mirrored; among them answers with
compactions, advisors, fallbacks of the vendor's, searches, a place of their own and a customer's own key; a seventh of the calls
goes to a server of chat completions, which tells no usage now and then, or as DeepSeek, Moonshot, xAI or a proxy of Claude do) and compares what the upstreams recorded with the ledger, /api, /metrics and the dashboard. Exits with 1 when something disagrees.

  --calls N   how many calls (default 10000)
  --seed N    of the mix (default 1)
  --postgres  keeps the ledger in a PostgreSQL of its own, instead of SQLite
  --check     also exits with 1 where Chromium is missing, so that the dashboard was not read`)
  process.exit(0)
}

const browser = hasChromium()
const server = options.postgres ? await privatePostgres() : undefined
if (options.postgres && server === undefined) process.exit(1)
const startedAt = performance.now()
const { titles, lines, courses } = await run({
  calls: Math.max(1, Number(options.calls) || 10_000),
  seed: Number(options.seed) || 1,
  browser,
  // On a busy machine answers take a second.
  hedgeAfter: 3000,
  postgres: server?.url,
  onProgress: (line) => console.error(line),
}).finally(() => server?.close())
console.log(`Calls by course: ${[...courses].map(([course, count]) => `${course} ${count}`).join(', ')}\n`)
console.log(tableOf(titles, lines))
const wrong = lines.filter(({ agrees }) => !agrees)
const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
console.log(
  `\n${lines.length - wrong.length} of ${lines.length} figures agree; ${seconds} s. Costs in nano-dollars.`,
)
if (wrong.length > 0 || (options.check && !browser)) process.exitCode = 1
