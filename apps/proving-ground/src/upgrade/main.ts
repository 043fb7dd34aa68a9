import { parseArgs } from 'node:util'
import { builtVersion } from './built-version.ts'
import { program as newest, proveUpgrade } from './run.ts'

/** What upgrades are tried from while there is no release: the last commit before client keys had budgets. */
const earlier = 'c58b6092fab974ae74285bffe160cc96b453f476'

const usage = `Usage: pnpm prove upgrade [--from COMMIT | --program FILE] [--seconds 3] [--check]

Three gateways of the version before share a PostgreSQL, a Redis, a vault and a file of clients, under load; rows of one of them wait in its
journal. One after the other is replaced by a gateway of this version, and the last one goes back again. No call may fail or
be booked twice, and each version has to take what the other one wrote.

  --from COMMIT   the version before, built from this repository (default: ${earlier.slice(0, 7)}); needs git and pnpm
  --program FILE  spillway.js of the version before, where it is installed
  --seconds N     how long each mixture of versions serves calls (default: 3)
  --check         exit with 1 for a finding

Needs PostgreSQL and redis-server.`

/** Upgrades gateways under load; resolves with the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...{ from: { type: 'string', default: earlier }, program: { type: 'string' } },
      ...{ seconds: { type: 'string', default: '3' }, check: { type: 'boolean' }, help: { type: 'boolean' } },
    },
  })
  if (values.help) {
    console.log(usage)
    return 0
  }
  const seconds = Number(values.seconds)
  if (!(seconds > 0)) throw new Error(`--seconds ${values.seconds} is no time: give a number above 0`)
  const before = values.program ?? (await builtVersion(values.from, console.log)).program
  const lines = await proveUpgrade({ before, after: newest, seconds, say: console.log })
  for (const { what, seen, holds } of lines) console.log(`${holds ? 'ok  ' : 'MISS'}  ${what}: ${seen}`)
  const missed = lines.filter(({ holds }) => !holds).length
  console.log(`${lines.length - missed} of ${lines.length} hold`)
  return values.check && missed > 0 ? 1 : 0
}
