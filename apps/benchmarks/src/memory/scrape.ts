import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { freePort } from '@spillway/testing'
import { openConnection, requestBytes } from '../gateways/connection.ts'
import { startProgram } from '../gateways/processes.ts'
import { listening, ownProgram } from '../gateways/rivals.ts'
import type { Figure } from './figure.ts'

/** A target has one endpoint, and an endpoint as many circuits at most. */
const circuitsOfTarget = 1_000

const inFlight = 16

/** Measures how long the event loop is blocked at most while `/metrics` is read, after one call to each of many models. */
export async function measureScrape(upstream: URL, circuits: number): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-bench-'))
  const port = await freePort()
  const url = new URL(`http://127.0.0.1:${port}`)
  const file = join(folder, 'spillway.yaml')
  writeFileSync(file, configOf(upstream, port, Math.ceil(circuits / circuitsOfTarget)))
  const blockedFile = join(folder, 'blocked.txt')
  const program = startProgram(
    process.execPath,
    [ownProgram, 'start', '--config', file, '--quiet'],
    {
      ...{ BENCHMARK_KEY: 'sk-benchmark', XDG_STATE_HOME: folder, BLOCKED_FILE: blockedFile },
      NODE_OPTIONS: `--import=${new URL('./watch-event-loop.ts', import.meta.url)}`,
    },
    folder,
  )
  try {
    await listening(port, program, 'the gateway')
    await callEach(url, circuits)
    await wait(1_000)
    const scrape = async (): Promise<string> => (await fetch(new URL('/metrics', url))).text()
    // Until its code is compiled, as a server that is scraped every 15 s has it.
    for (let time = 0; time < 3; time++) await scrape()
    const blocked: number[] = []
    let took = 0
    let text = ''
    for (let time = 0; time < 5; time++) {
      program.signal('SIGUSR2')
      await wait(100)
      const from = performance.now()
      text = await scrape()
      took = Math.max(took, performance.now() - from)
      program.signal('SIGUSR2')
      blocked.push(await readWhenThere(blockedFile))
    }
    const counted = [...text.matchAll(/^spillway_circuits\{.*\} (\d+)/gm)].reduce(
      (sum, [, count]) => sum + Number(count),
      0,
    )
    if (counted < circuits) throw new Error(`${counted} circuits instead of ${circuits}`)
    return [
      {
        name: `/metrics with ${counted.toLocaleString('en')} circuits blocks`,
        ...{ value: Math.max(...blocked), unit: 'ms', below: 100 },
      },
      { name: 'and takes', value: took, unit: 'ms' },
      { name: 'of', value: text.length / 1e3, unit: 'kB' },
      { name: 'memory with these circuits', value: program.memory() / 1e6, unit: 'MB' },
    ]
  } finally {
    await program.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

function configOf({ origin }: URL, port: number, targets: number): string {
  const names = Array.from({ length: targets }, (_, index) => `t${index}`)
  const target = (name: string): string =>
    `  ${name}: { api: anthropic, endpoints: [{ url: "${origin}", credential: "env:BENCHMARK_KEY" }] }`
  return `server: { port: ${port}, log: { level: error } }
targets:
${names.map(target).join('\n')}
routes:
${names.map((name) => `  - { models: "${name}-*", target: ${name} }`).join('\n')}
storage: { url: "sqlite:ledger.db" }
`
}

async function callEach(url: URL, circuits: number): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      const connection = await openConnection(url)
      while (next < circuits) {
        const number = next++
        const model = `t${Math.floor(number / circuitsOfTarget)}-${number % circuitsOfTarget}`
        const body = JSON.stringify({ model, max_tokens: 10, messages: [{ role: 'user', content: 'Hello' }] })
        const request = requestBytes(url, '/v1/messages', { 'x-api-key': 'sk-benchmark' }, Buffer.from(body))
        const { status } = await connection.call(request)
        if (status !== 200) throw new Error(`${model} is answered with ${status}`)
      }
      connection.close()
    }),
  )
}

async function readWhenThere(file: string): Promise<number> {
  for (let waited = 0; !existsSync(file); waited += 20) {
    if (waited > 10_000) throw new Error(`the gateway has not written ${file}`)
    await wait(20)
  }
  const text = readFileSync(file, 'utf8')
  rmSync(file)
  return Number(text)
}
