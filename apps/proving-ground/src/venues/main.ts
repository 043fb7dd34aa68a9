import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type SimulatedServer, startBedrock, startClaude, startFoundry, startVertex } from '@spillway/testing'
import { settle } from '../books.ts'
import { load, quantile } from './load.ts'
import { begin, type Phase, phases, type VenueName } from './phases.ts'
import { bookedBetween, paid, table } from './report.ts'

const program = fileURLToPath(new URL('../../../gateway/bin/spillway.js', import.meta.url))

const usage = `Usage: pnpm prove venues [--seconds 3] [--rate 60] [--check]

One target over four places where Claude is sold (Anthropic, Bedrock, Vertex AI, Foundry), under load, while each in turn is throttled,
out of quota, without the model, slow, dead, and back. No call may fail; shares and latencies are printed for each phase of some seconds,
and what each venue was paid.`

/** Calls through a gateway while its venues fail in turn; resolves with the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: '3' },
      rate: { type: 'string', default: '60' },
      check: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  if (values.help) {
    console.log(usage)
    return 0
  }
  const findings = await prove(Number(values.seconds), Number(values.rate))
  for (const finding of findings) console.error(`finding: ${finding}`)
  return values.check && findings.length > 0 ? 1 : 0
}

const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret-of-the-proof' }
const region = 'us-east-1'
const names: readonly VenueName[] = ['direct', 'bedrock', 'vertex', 'foundry']

async function prove(seconds: number, rate: number): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-venues-'))
  const usual = {
    record: false,
    reply: { text: 'Good day', usage: { inputTokens: 1_000, outputTokens: 100 } },
  }
  await using direct = await startClaude(usual)
  await using bedrock = await startBedrock({ ...usual, identities: [keys], region })
  await using vertex = await startVertex(usual)
  await using foundry = await startFoundry(usual)
  const servers: Record<VenueName, SimulatedServer> = { direct, bedrock, vertex, foundry }
  const file = join(folder, 'spillway.yaml')
  const database = `sqlite:${join(folder, 'ledger.db')}`
  const key = 'credential: "env:VENUES_KEY"'
  writeFileSync(
    file,
    `
storage: { url: "${database}", journal: "${join(folder, 'waiting')}" }
targets:
  claude:
    api: anthropic
    # Times as short as the phases.
    routing: { ejection: { baseTime: 1s, maxTime: 3s }, keys: { baseTime: 1s, maxTime: 3s } }
    endpoints:
      - { name: direct, url: "${direct.url}", ${key} }
      - { name: bedrock, api: bedrock, region: ${region}, url: "${bedrock.url}", credential: aws }
      - { name: vertex, api: vertex, project: p, region: us-east5, url: "${vertex.url}", ${key} }
      - { name: foundry, api: foundry, resource: r, url: "${foundry.url}/anthropic", ${key} }
routes:
  - { models: "*", target: claude }
`,
  )
  const gateway = spawn(process.execPath, [program, 'start', '--quiet', '--config', file, '--port', '0'], {
    env: {
      ...process.env,
      ...{ VENUES_KEY: 'sk-of-the-proof', AWS_ACCESS_KEY_ID: keys.accessKeyId },
      ...{ AWS_SECRET_ACCESS_KEY: keys.secretAccessKey, AWS_EC2_METADATA_DISABLED: 'true' },
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const url = await addressOf(gateway)
    const findings: string[] = []
    const times: {
      readonly phase: Phase
      readonly from: number
      readonly to: number
      readonly cells: string[]
    }[] = []
    let index = 0
    // What is compiled at the first calls takes time.
    await load(url, rate, 1, 1_000_000)
    for (const phase of phases()) {
      begin(phase, servers)
      const from = Date.now()
      const { latencies, failures } = await load(url, rate, seconds * phase.length, index)
      index += latencies.length + failures.length
      if (failures.length > 0)
        findings.push(`${phase.name}: ${failures.length} calls failed, the first: ${failures[0]}`)
      const cells = [failures.length, quantile(latencies, 0.5), quantile(latencies, 0.99)].map((value) =>
        value.toFixed(0),
      )
      times.push({ phase, from, to: Date.now(), cells: [String(latencies.length), ...cells] })
    }
    await settle(url, database)
    const rows = await Promise.all(
      times.map(async ({ phase: { name, venue, fault }, from, to, cells }) => {
        const booked = await bookedBetween(database, from, to)
        const all = booked.reduce((sum, { answers }) => sum + answers, 0)
        const share = (venue: VenueName): number =>
          (booked.find(({ endpoint }) => endpoint === venue)?.answers ?? 0) / all
        const expected = fault !== undefined ? [] : venue === undefined ? names : [venue]
        for (const each of expected)
          if (!(share(each) > 0)) findings.push(`${name}: ${each} has answered nothing`)
        const attempts = booked.reduce((sum, { attempts: each }) => sum + each, 0)
        return [
          name,
          ...cells,
          (attempts / all).toFixed(2),
          ...names.map((venue) => `${(share(venue) * 100).toFixed(0)}%`),
        ]
      }),
    )
    console.log(table(['phase', 'calls', 'failed', 'p50 ms', 'p99 ms', 'attempts', ...names], rows))
    const bills = await paid(database)
    const ofVenues = bills.map((bill) => [
      ...[bill.endpoint, bill.provider, bill.answers, `$${bill.dollars.toFixed(4)}`, bill.nanoEach],
    ])
    console.log(`\n${table(['paid', 'provider', 'answers', 'sum', 'nano-dollars each'], ofVenues)}`)
    for (const { endpoint, unpriced } of bills)
      if (unpriced > 0) findings.push(`${unpriced} answers of ${endpoint} have no price`)
    if (bills.length !== names.length) findings.push(`${bills.length} venues are booked of ${names.length}`)
    return findings
  } finally {
    gateway.kill('SIGTERM')
    await Promise.race([new Promise((resolve) => gateway.once('exit', resolve)), delay(5_000)])
    gateway.kill('SIGKILL')
    rmSync(folder, { recursive: true })
  }
}

async function addressOf(gateway: ChildProcess): Promise<string> {
  let said = ''
  gateway.stdout?.setEncoding('utf8').on('data', (piece: string) => {
    said += piece
  })
  for (let look = 0; look < 200 && gateway.exitCode === null; look++) {
    const url = /listening on (\S+)/.exec(said)?.[1]
    if (url !== undefined) return url
    await delay(100)
  }
  throw new Error('the gateway did not start')
}
