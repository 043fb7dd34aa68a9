import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { book, findRows } from './book.ts'
import { anyGateway } from './gateways/any-gateway.ts'
import { claudeGateway } from './gateways/claude-gateway.ts'
import type { GatewayAdapter } from './gateways/gateway.ts'
import { portkey } from './gateways/portkey.ts'
import { spillway } from './gateways/spillway.ts'
import type { Verdict } from './observation.ts'
import { countFaults } from './row.ts'
import { verdictsOf } from './run-book.ts'
import { soak } from './soak.ts'
import { countVerdicts, tableOf } from './table.ts'
import { type Column, writeDocs } from './write-docs.ts'

const { values: options } = parseArgs({
  options: {
    gateway: { type: 'string', default: 'spillway' },
    'base-url': { type: 'string' },
    'config-note': { type: 'string', default: '' },
    'first-port': { type: 'string', default: '4700' },
    filter: { type: 'string', default: '' },
    json: { type: 'string' },
    check: { type: 'boolean', default: false },
    'write-docs': { type: 'boolean', default: false },
    soak: { type: 'string' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

const help = `Usage: pnpm prove fault-book [options]

Runs every row of the fault book through a gateway and prints what came of it. Build first: pnpm build.

  --gateway NAME      spillway (default; the built gateway as a process) portkey or claude (Anthropic's; both are
                      installed on demand)
  --base-url URL      a gateway that runs already. It must route the model fault-book to the first upstream
                      alone and fault-book-fallback to the first, then the second; Claude's upstreams are at
                      --first-port and the next port, those of OpenAI's protocols at the two ports after.
                      Its rows share their targets: turn off retry budgets and circuit breakers
  --first-port PORT   see there (default 4700)
  --config-note TEXT  how that gateway is configured, for the record
  --filter TEXT       only rows whose name, group or complaint contains the text
  --json FILE         writes the verdicts to a file
  --check             exit with 1 when a row fails
  --write-docs        runs all three and writes docs/fault-book.md
  --soak CALLS        so many faulty calls through a Spillway instead, then looks for what they left behind
  --seed NUMBER       of the chance in --soak (default 1)`

if (options.help) console.log(help)
else if (options.soak !== undefined)
  process.exitCode = (await soak(Number(options.soak), Number(options.seed))) ? 0 : 1
else if (options['write-docs'])
  writeDocs([await column(spillway()), await column(portkey()), await column(claudeGateway())])
else await runOne(chosenGateway())

function chosenGateway(): GatewayAdapter {
  const { gateway, 'base-url': baseUrl, 'config-note': note, 'first-port': port } = options
  if (baseUrl !== undefined) return anyGateway({ baseUrl, note, firstPort: Number(port) })
  const known: Readonly<Record<string, () => GatewayAdapter>> = { spillway, portkey, claude: claudeGateway }
  const make = known[gateway]
  if (make === undefined)
    throw new Error(`unknown gateway ${gateway}; there are ${Object.keys(known).join(', ')}`)
  return make()
}

async function column(adapter: GatewayAdapter): Promise<Column> {
  const startedAt = performance.now()
  const rows = options.filter === '' ? book : findRows(options.filter)
  const show = process.stderr.isTTY
  const tell = ({ row }: Verdict, done: number): void => {
    if (show) process.stderr.write(`\r\u001b[K${adapter.name}: ${done} of ${rows.length}  ${row.id}`)
  }
  const verdicts = await verdictsOf(rows, adapter, tell, options['write-docs'] || !adapter.isSpillway)
  if (show) process.stderr.write('\r\u001b[K')
  return { adapter, verdicts, seconds: (performance.now() - startedAt) / 1_000 }
}

async function runOne(adapter: GatewayAdapter): Promise<void> {
  const { verdicts, seconds } = await column(adapter)
  const { passed, failed, notJudged } = countVerdicts(verdicts)
  console.log(tableOf(verdicts))
  console.log(`\n${adapter.name} ${adapter.version}. ${adapter.note}`)
  const faults = countFaults(verdicts.map(({ row }) => row))
  console.log(
    `${faults} faults, ${verdicts.length} rows: ${passed} hold, ${failed} fail, ${notJudged} not judged; ` +
      `${seconds.toFixed(1)} s`,
  )
  if (options.json !== undefined) {
    const { name, version, note } = adapter
    writeFileSync(options.json, `${JSON.stringify({ name, version, note, seconds, verdicts }, null, 2)}\n`)
  }
  if (options.check && failed > 0) process.exitCode = 1
}
