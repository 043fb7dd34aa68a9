import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock } from '@spillway/middleware'
import { Agent, request } from 'undici'
import { openDirectory } from '../../gateway/src/clients/client-directory.ts'
import type { ClientDocument } from '../../gateway/src/clients/client-document.ts'
import { emptyClients } from '../../gateway/src/clients/client-document.ts'
import { clientHash, hashedWith } from '../../gateway/src/clients/client-hash.ts'
import { newClientKey, prefixOf } from '../../gateway/src/clients/client-key.ts'
import { fileClientStore } from '../../gateway/src/clients/client-store.ts'
import { type ChildServer, startChild } from './child.ts'
import { measure, median, ratio, type Variant } from './measure.ts'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    check: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

if (options.help) {
  console.log(`Usage: pnpm bench clients [--rounds N] [--check]

Measures what keys of clients cost: a check of one among 10,000 and their memory, in this process, and the CPU time of a call through gateways
without keys, with them, and with clients that are limited in every way. Gateways are measured in turn.

  --rounds N   rounds, at least 3 (default 9)
  --check      exit with 1 when a bound is missed`)
  process.exit(0)
}

const rounds = Math.max(3, Number(options.rounds) || 9)
const missed: string[] = []
const secret = 'a-secret-for-benchmarks-of-client-keys-0123456789'
const hash = clientHash(Buffer.from(secret))
const folder = mkdtempSync(join(tmpdir(), 'spillway-bench-clients-'))

console.log(`Node ${process.version}, ${cpus().length} cores, ${rounds} rounds\n`)
try {
  await benchChecks()
  await benchCalls()
} finally {
  rmSync(folder, { recursive: true, force: true })
}
if (missed.length > 0) console.log(`\nmissed: ${missed.join('; ')}`)
if (options.check && missed.length > 0) process.exitCode = 1

/** 10,000 clients: their memory, a check of a key that was seen before, and of one that was not. */
async function benchChecks(): Promise<void> {
  const keys = Array.from({ length: 10_000 }, () => newClientKey())
  const clients: Record<string, ClientDocument['clients'][string]> = {}
  for (const [index, key] of keys.entries())
    clients[`client-${index}`] = {
      ...{ permissions: ['claude:code'], team: `team-${index % 100}`, models: ['claude-*'], createdAt: 0 },
      keys: [{ hash: hash.of(key), prefix: prefixOf(key), createdAt: 0 }],
    }
  // Read from a file, so that nothing of it is shared with what made it.
  const path = join(folder, 'clients.json')
  await fileClientStore(path).update((before) => ({ ...hashedWith(before, hash, path), clients }))
  for (const name of Object.keys(clients)) delete clients[name]
  const before = heap()
  const directory = await openDirectory({
    ...{ store: fileClientStore(path), hash, clock: systemClock, log: console.error, checkEvery: 3_600_000 },
  })
  const first = perCheck(keys, directory.check)
  const after = heap()
  const times = Array.from({ length: 20 * rounds }, () => perCheck(keys, directory.check))
  await directory.close()
  const megabytes = (after - before) / 1e6
  console.log('10,000 clients, in process\n')
  line('memory', `${megabytes.toFixed(1)} MB`, megabytes < 10, 'below 10 MB')
  line(
    'a check of a key',
    `${median(times).toFixed(2)} us, best ${Math.min(...times).toFixed(2)} us`,
    median(times) < 2,
    'below 2 us',
  )
  line('of one that is new to the process', `${first.toFixed(1)} us`, first < 40, 'below 40 us')
}

/** CPU microseconds: the machine may have other things to do. */
function perCheck(keys: readonly string[], check: (key: string) => unknown): number {
  const before = process.cpuUsage()
  for (const key of keys) if (typeof check(key) === 'string') throw new Error('a key is not known')
  const { user, system } = process.cpuUsage(before)
  return (user + system) / keys.length
}

function heap(): number {
  for (let times = 0; times < 3; times++) globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

/** CPU time of a call in gateways with and without keys. */
async function benchCalls(): Promise<void> {
  const [plain, limited] = [newClientKey(), newClientKey()]
  const path = join(folder, 'calls.json')
  const keyed = (key: string) => ({
    createdAt: 0,
    keys: [{ hash: hash.of(key), prefix: prefixOf(key), createdAt: 0 }],
  })
  await fileClientStore(path).update(() => ({
    ...hashedWith(emptyClients, hash, path),
    clients: {
      plain: { permissions: ['claude:code'], ...keyed(plain) },
      limited: {
        permissions: ['call:messages', 'tools:client'],
        ...{ models: ['claude-haiku-*', 'claude-*'], targets: ['claude'], maxTokens: 8_000 },
        ...keyed(limited),
      },
    },
  }))
  process.env.BENCHMARK_CLIENT_SECRET = secret
  const claude = await startChild('claude')
  const servers = {
    none: await startChild('gateway', claude.url),
    keys: await startChild('gateway', claude.url, path),
  }
  const agent = new Agent({ connections: 50 })
  for (const [title, body] of Object.entries(bodies())) {
    const results = await measure(
      [
        variant('auth: none', servers.none, plain, body, agent),
        variant('auth: keys', servers.keys, plain, body, agent),
        variant('limited in every way', servers.keys, limited, body, agent),
      ],
      { rounds, calls: body.length > 100_000 ? 60 : 500, concurrency: 8 },
    )
    console.log(`\n${title}: CPU of the gateway, medians\n`)
    const [none] = results
    for (const result of results) {
      const times = none === undefined ? 1 : ratio(result, none)
      const most = result.name === 'auth: keys' ? 1.1 : 1.35
      line(
        result.name,
        `${result.median.toFixed(0)} us, ${times.toFixed(2)}x`,
        times <= most,
        `at most ${most}x auth: none`,
      )
    }
  }
  await agent.close()
  await Promise.all([claude, ...Object.values(servers)].map((server) => server.stop()))
}

function bodies(): Record<string, Buffer> {
  const tools = Array.from({ length: 20 }, (_, at) => ({
    name: `tool_${at}`,
    description: 'Does what its name says. '.repeat(10),
    input_schema: { type: 'object', properties: { path: { type: 'string' } } },
  }))
  const asked = (turns: number, more: object): Buffer =>
    Buffer.from(
      JSON.stringify({
        ...{ model: 'claude-haiku-4-5', max_tokens: 100, ...more },
        messages: Array.from({ length: turns }, (_, at) => ({
          role: at % 2 === 0 ? 'user' : 'assistant',
          content: [
            { type: 'text', text: 'What is a spillway, and what is it for? '.repeat(turns > 1 ? 100 : 1) },
          ],
        })),
      }),
    )
  return { 'A short call': asked(1, {}), 'A call of an agent, 250 kB with tools': asked(61, { tools }) }
}

function variant(name: string, server: ChildServer, key: string, body: Buffer, agent: Agent): Variant {
  const headers = { 'content-type': 'application/json', 'anthropic-version': '2023-06-01', 'x-api-key': key }
  return {
    name,
    cpu: () => server.cpu(),
    async call() {
      const response = await request(`${server.url}/v1/messages`, {
        method: 'POST',
        headers,
        body,
        dispatcher: agent,
      })
      const text = await response.body.text()
      if (response.statusCode !== 200)
        throw new Error(`${name}: ${response.statusCode} ${text.slice(0, 300)}`)
    },
  }
}

function line(what: string, seen: string, holds: boolean, bound: string): void {
  console.log(`${holds ? 'holds ' : 'MISSED'} ${what.padEnd(34)} ${seen.padEnd(32)} ${bound}`)
  if (!holds) missed.push(`${what}: ${seen}`)
}
