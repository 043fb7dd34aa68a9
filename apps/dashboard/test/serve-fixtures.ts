// Serves an API of made-up calls, for work on the dashboard: `pnpm fixtures`, then `pnpm dev`.
import { startFixtureServer } from './fixture-server.ts'
import { aFewCalls, aTeam, bigNumbers, type Fixture, nothingYet } from './fixtures.ts'

const fixtures: Readonly<Record<string, (now: number) => Fixture>> = {
  nothing: nothingYet,
  few: aFewCalls,
  team: aTeam,
  big: bigNumbers,
}
const make = fixtures[process.argv[2] ?? 'team'] ?? aTeam
const server = await startFixtureServer(make(Date.now()), undefined, 8787)
setInterval(() => {
  const call = server.fixture.nextCall(Date.now())
  if (call !== undefined) server.send(call)
}, 400)
console.log(`answering /api on ${server.url}: ${Object.keys(fixtures).join(', ')}`)
