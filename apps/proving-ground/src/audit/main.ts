/** How many entries a second the audit log takes on a PostgreSQL that is some way off. `--help` tells the options. */
import { parseArgs } from 'node:util'
import { createAuditTrail, openLedgerStore, verifyAudit } from '@spillway/ledger'
import { freezableProxy } from '../../../../packages/ledger/test/freezable-proxy.ts'
import { privatePostgres } from '../../../../packages/ledger/test/private-postgres.ts'

/** Entries a second at least. */
const bound = 2000

const { values } = parseArgs({
  options: {
    entries: { type: 'string', default: '40000' },
    away: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    signed: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
const entries = Number(values.entries)
const away = Number(values.away)
const rounds = Number(values.rounds)
if (values.help || !(entries >= 1) || !(away >= 0) || !(rounds >= 1)) {
  console.log(`Usage: pnpm prove audit [--entries N] [--away MS] [--rounds N] [--signed] [--check]

Records entries as fast as the audit trail takes them without its journal, in its own PostgreSQL, MS milliseconds away, until
the last one is committed. Then verifies the chain.
  --entries N  in each round (40,000)
  --away MS    how much later an answer comes (5)
  --rounds N   (3)
  --signed     with a key, so that each row has a MAC too
  --check      exits with 1 below ${bound.toLocaleString('en')} entries a second in the median round, and when an entry is lost or the chain is not whole`)
  process.exit(values.help ? 0 : 1)
}

const server = await privatePostgres()
if (server === undefined) process.exit(1)
const proxy = await freezableProxy(server.url, away)
const auditKey = values.signed ? 'a key of the benchmark, which is long enough' : undefined
const store = openLedgerStore(proxy.url, { auditKey })
try {
  await store.audit.head()
  const rates: number[] = []
  let lost = 0
  for (let round = 0; round < rounds; round++) {
    const trail = createAuditTrail({ log: store.audit })
    const begun = performance.now()
    for (let number = 0; number < entries; number++) {
      trail.record(callEntry(number))
      // Half of what fits the memory.
      while (trail.state.buffered >= 5000) await new Promise((resolve) => setTimeout(resolve, 1))
    }
    await trail.flush()
    const seconds = (performance.now() - begun) / 1000
    lost += trail.state.lost + trail.state.rejected + trail.state.buffered
    await trail.close()
    rates.push(entries / seconds)
    console.log(`round ${round + 1}: ${whole(entries / seconds)} entries a second`)
  }
  const { rows, problems } = await verifyAudit(store.audit)
  const median = rates.toSorted((a, b) => a - b)[rates.length >> 1] as number
  const isWhole = problems.length === 0 && rows === entries * rounds && lost === 0
  console.log(
    `median ${whole(median)} entries a second, PostgreSQL ${away} ms away${values.signed ? ', signed' : ''}`,
  )
  console.log(
    `${whole(rows)} of ${whole(entries * rounds)} rows, ${lost} lost, ${problems.length} faults in the chain`,
  )
  if (values.check && (!isWhole || median < bound)) process.exitCode = 1
} finally {
  await store.close()
  await proxy.close()
  await server.close()
}

/** As the gateway writes one with each call. */
function callEntry(number: number): { actor: string; action: string; details: Record<string, unknown> } {
  return {
    actor: `tenant-${number % 50}`,
    action: 'call',
    details: {
      call: `5f0c2a9e-${number}`,
      subject: 'claude-opus-5-5',
      target: 'claude',
      from: '127.0.0.1',
      outcome: 'ok',
      status: 200,
      attempts: 1,
    },
  }
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en')
}
