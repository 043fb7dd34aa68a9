import { execFile } from 'node:child_process'
import { chmodSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { inspect, promisify } from 'node:util'
import { type Calls, questions } from '@spillway/gateway-api'
import { initAgeFile, openVault } from '@spillway/key-vault'
import { processEnvironment } from '@spillway/key-vault/internal'
import { exportAudit, openLedgerStore } from '@spillway/ledger'
import { type SimulatedServer, startClaude } from '@spillway/testing'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { callLine } from '../src/cli/call-line.ts'
import { check } from '../src/cli/check.ts'
import { vaultLine } from '../src/cli/vault-line.ts'
import { ConfigError, type Gateway, parseConfig, startGateway } from '../src/index.ts'
import {
  bytesAt,
  callerCanary,
  ownCanary as canary,
  formsOf,
  leaksIn,
  openTrouble,
  prompt,
  type Trouble,
  type TroubleOptions,
} from './canary.ts'
import { temporaryFolder } from './gateway.ts'
import { send } from './raw-client.ts'

let claude: SimulatedServer
let folder: string
let files: { path: string; keyFile: string }
let gateway: Gateway
/** The log, and all else that was said. */
let said: string[]

beforeEach(async () => {
  said = []
  for (const stream of ['log', 'error', 'warn'] as const) {
    vi.spyOn(console, stream).mockImplementation((...args) => void said.push(inspect(args, { depth: 20 })))
  }
  folder = temporaryFolder()
  files = { path: join(folder, 'vault.age'), keyFile: join(folder, 'vault.key') }
  const vault = openVault({ driver: await initAgeFile(files), environment: processEnvironment() })
  await vault.add('claude', canary)
  await vault.close()
  claude = await startClaude({ apiKeys: [canary, callerCanary] })
  gateway = await startGateway(parseConfig(configText(), 'f').config, {
    port: 0,
    onAnswer: (call) => said.push(callLine(call, new Date()), inspect(call, { depth: 12, showHidden: true })),
    onVaultEvent: (event) => said.push(vaultLine(event)),
  })
})
afterEach(async () => {
  vi.restoreAllMocks()
  await gateway.close(0)
  await claude.close()
})

const configText = (credential = 'vault:claude'): string => `
targets:
  claude: { api: anthropic, endpoints: [{ url: "${claude.url}", credential: "${credential}" }] }
routes: [{ models: "*", target: claude }]
retry: { attempts: 1 }
vault: { file: ${files.path}, keyFile: ${files.keyFile} }
`

/** A call: its status, headers and body, and how often the key went out. */
async function ask(body: object = {}): Promise<string> {
  const response = await fetch(`${gateway.url}/v1/messages`, {
    method: 'POST',
    headers: { 'anthropic-version': '2023-06-01' },
    body: JSON.stringify({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }], ...body }),
  })
  const text = await response.text().catch((error: unknown) => inspect(error))
  return `${response.status} ${inspect([...response.headers])} ${text}`
}

function checked(text: string): string {
  const file = join(folder, 'spillway.yaml')
  writeFileSync(file, text)
  check({ config: file })
  rmSync(file)
  return said.join()
}

/** A gateway that keeps and tells all it can. */
const openQuiet = (options: Partial<TroubleOptions> = {}): Promise<Trouble> =>
  openTrouble({
    claude,
    vault: { file: files.path, keyFile: files.keyFile },
    onAnswer: (call) => said.push(callLine(call, new Date()), inspect(call, { depth: 12, showHidden: true })),
    ...options,
  })

/** The same after its three calls. */
async function trouble(options: Partial<TroubleOptions> = {}): Promise<Trouble> {
  const opened = await openQuiet(options)
  await opened.call()
  return opened
}

/** What came to the collector's path until the gateway had stopped. */
async function exported(path: string, options: Partial<TroubleOptions> = {}): Promise<string> {
  const { gateway, received } = await trouble(options)
  await gateway.close(0)
  return received(path)
}

/** Asks as a caller who shows its key. */
const get = (url: string, headers: Readonly<Record<string, string>> = {}) =>
  send(url, { method: 'GET', headers: { 'x-api-key': callerCanary, ...headers } })

/** The route's answer, once the three calls are booked and it tells of them. */
async function routeAnswer(path: string, mark: RegExp): Promise<string> {
  const { gateway, booked } = await trouble()
  await booked()
  return vi.waitFor(async () => {
    const { status, text, headers } = await get(`${gateway.url}${path}`)
    expect(status).toBe(200)
    expect(text).toMatch(mark)
    return `${inspect(headers)} ${text}`
  }, 10_000)
}

/** All that a watcher is told of the three calls. */
async function liveEvents(): Promise<string> {
  const opened = await openQuiet()
  const end = new AbortController()
  const { body } = await fetch(`${opened.gateway.url}/api/live`, {
    headers: { 'x-api-key': callerCanary },
    signal: end.signal,
  })
  const reader = (body as ReadableStream<Uint8Array>).getReader()
  let text = Buffer.from((await reader.read()).value ?? []).toString()
  await opened.call()
  while ((text.match(/^event: call$/gm)?.length ?? 0) < 3 || !text.endsWith('\n\n'))
    text += Buffer.from((await reader.read()).value ?? []).toString()
  end.abort()
  return text
}

/** The page that browsers get, and each file that it names. */
async function dashboardFiles(): Promise<string> {
  const { gateway } = await trouble()
  const page = await get(`${gateway.url}/`, { accept: 'text/html' })
  const names = [...page.text.matchAll(/(?:src|href)="\.?(\/?assets\/[^"]+)"/g)].map(([, name]) => name)
  expect(names.length).toBeGreaterThan(0)
  const answers = await Promise.all(names.map((name) => get(new URL(name as string, `${gateway.url}/`).href)))
  expect(answers.map(({ status }) => status)).toEqual(names.map(() => 200))
  return [page, ...answers].map(({ headers, text }) => `${inspect(headers)} ${text}`).join('\n')
}

/** A surface to look at, and what shows that it tells of the calls. */
interface Surface {
  readonly mark: RegExp
  readonly read: () => Promise<string>
}

const ofRoute = (path: string, mark: RegExp): Surface => ({ mark, read: () => routeAnswer(path, mark) })

/** What tells of calls, or keeps them. Each comes after an answer, a dead connection, and a 401 that quotes the key. */
const surfaces: Readonly<Record<string, Surface>> = {
  'spans at a collector': { mark: /attempt claude/, read: () => exported('/v1/traces') },
  'spans with captured content': {
    mark: new RegExp(prompt.replace('?', '\\?')),
    read: () => exported('/v1/traces', { captureContent: true }),
  },
  'spans where the key is the caller’s own': {
    mark: new RegExp(prompt.replace('?', '\\?')),
    read: () => exported('/v1/traces', { captureContent: true, credential: 'caller' }),
  },
  'metrics at a collector': { mark: /spillway\.calls/, read: () => exported('/v1/metrics') },
  'metrics with captured content': {
    mark: /spillway\.calls/,
    read: () => exported('/v1/metrics', { captureContent: true }),
  },
  'metrics at /metrics': {
    mark: /^spillway_calls_total\{.*authentication/m,
    read: async () => (await get(`${(await trouble()).gateway.url}/metrics`)).text,
  },
  'the ledger file and its log': {
    mark: /authentication/,
    read: async () => {
      const { database, booked } = await trouble()
      await booked()
      expect(statSync(`${database}-wal`).size).toBeGreaterThan(0)
      return bytesAt(dirname(database))
    },
  },
  'the ledger file of a gateway that has stopped': {
    mark: /authentication/,
    read: async () => {
      const { gateway, database } = await trouble()
      await gateway.close(0)
      return bytesAt(dirname(database))
    },
  },
  'the journal while the database is away': {
    mark: /authentication/,
    read: async () => {
      const { journal } = await trouble({ isDatabaseAway: true })
      return vi.waitFor(() => {
        const bytes = bytesAt(journal)
        expect(bytes).toMatch(/authentication/)
        return bytes
      }, 10_000)
    },
  },
  'the rows of the audit log': {
    mark: /gateway\.stopped/,
    read: async () => {
      const { gateway, database } = await trouble()
      await gateway.close(0)
      const store = openLedgerStore(`sqlite:${database}`)
      try {
        const rows = []
        for await (const row of exportAudit(store.audit)) rows.push(row)
        return inspect(rows, { maxArrayLength: null, maxStringLength: null })
      } finally {
        await store.close()
      }
    },
  },
  'the export of the audit log': {
    mark: /"authentication"/,
    read: async () => {
      const { gateway, database } = await trouble()
      await gateway.close(0)
      const main = `import(${JSON.stringify(join(import.meta.dirname, '../src/cli.ts'))}).then(({ run }) => run(process.argv))`
      const words = ['--conditions=@spillway/source', '-e', main, 'spillway', 'audit', 'export']
      const run = promisify(execFile)
      const { stdout, stderr } = await run(process.execPath, [...words, '--storage', `sqlite:${database}`])
      return `${stdout} ${stderr}`
    },
  },
  '/api/summary': ofRoute('/api/summary', /"errors":2/),
  '/api/usage': ofRoute('/api/usage?by=tenant', /"key":"key-[\w-]{22}"/),
  '/api/fallbacks': ofRoute('/api/fallbacks', /"rows"/),
  '/api/calls': ofRoute('/api/calls', /"failure":"authentication"/),
  '/api/calls/{id}': {
    mark: /"message":"[^"]+"/,
    read: async () => {
      const { gateway } = await trouble()
      const { calls } = JSON.parse((await get(`${gateway.url}/api/calls`)).text) as Calls
      const stories = await Promise.all(calls.map(({ id }) => get(`${gateway.url}/api/calls/${id}`)))
      return stories.map(({ text }) => text).join('\n')
    },
  },
  '/api/calls/{id}/content': {
    mark: new RegExp(prompt.replace('?', '\\?')),
    read: async () => {
      const { gateway } = await trouble({ captureContent: true })
      const { calls } = JSON.parse((await get(`${gateway.url}/api/calls`)).text) as Calls
      const contents = await Promise.all(calls.map(({ id }) => get(`${gateway.url}/api/calls/${id}/content`)))
      return contents.map(({ text }) => text).join('\n')
    },
  },
  '/api/series': ofRoute('/api/series', /"points"/),
  '/api/facets': ofRoute('/api/facets', /"value":"authentication"/),
  '/api/sessions': ofRoute('/api/sessions', /"rows"/),
  '/api/matches': ofRoute('/api/matches', /"calls":\[[\d,]*[1-9]/),
  '/api/changes': ofRoute('/api/changes', /"changes":\[/),
  '/api/budgets': ofRoute('/api/budgets', /"budgets":\[/),
  '/api/clients': ofRoute('/api/clients', /\{/),
  '/api/alerts': ofRoute('/api/alerts', /"alerts"/),
  '/api/targets': ofRoute('/api/targets', /"circuits":\[\{/),
  '/api/mirror': ofRoute('/api/mirror', /"mirrors"/),
  '/api/keys': ofRoute('/api/keys', /"fingerprint":"[\w-]{22}"/),
  '/api/audit': ofRoute('/api/audit', /authentication/),
  '/api/openapi.json': ofRoute('/api/openapi.json', /"openapi"/),
  '/api/live while calls fail': { mark: /"failure":"authentication"/, read: liveEvents },
  'errors of /api about a query with the key': {
    mark: /"status":400/,
    read: async () => {
      const { gateway } = await trouble()
      const answers = []
      for (const key of [canary, callerCanary].map(encodeURIComponent))
        for (const query of [`summary?range=${key}`, `calls?limit=${key}`, `calls?${key}=1`, `${key}`])
          answers.push(await get(`${gateway.url}/api/${query}`))
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([400, 404]))
      return answers.map(({ headers, text }) => `${inspect(headers)} ${text}`).join('\n')
    },
  },
  'the log of calls': {
    mark: /authentication|401/,
    read: async () => {
      await trouble()
      return said.join('\n')
    },
  },
  'what callers are told': {
    mark: /authentication_error/,
    read: async () => {
      const answers = await (await openQuiet()).call()
      return answers.map(({ headers, text }) => `${inspect(headers)} ${text}`).join('\n')
    },
  },
  'the page and files of the dashboard': { mark: /<!doctype html>/i, read: dashboardFiles },
}

/** Paths through the gateway on which a key could come to light. Add new ones at the end. */
const paths: Readonly<Record<string, () => Promise<unknown>>> = {
  'an answer': () => ask(),
  'a stream that is cut': () => {
    claude.next({ type: 'cut', at: 'mid-event', how: 'reset' })
    return ask({ stream: true })
  },
  'an overload': () => {
    claude.next({ type: 'status', status: 529 })
    return ask()
  },
  'a connection that is reset': () => {
    claude.next({ type: 'reset' })
    return ask()
  },
  'an upstream that is gone': async () => {
    await claude.close()
    const text = await ask()
    claude = await startClaude()
    return text
  },
  'a vault that others may read': () => {
    chmodSync(files.path, 0o644)
    return ask()
  },
  'a vault that is cut': () => {
    truncateSync(files.path, 300)
    return ask()
  },
  'a vault without its key': () => {
    rmSync(files.keyFile)
    return ask()
  },
  'a configuration with the key in it': async () => checked(configText(canary)),
  'a configuration with the key in a wrong place': async () =>
    checked(`${configText()}\nkey: ${canary}\n: [`),
  'the error of a configuration': async () => {
    try {
      return parseConfig(configText(canary), 'f')
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError)
      return inspect(error, { depth: 20, showHidden: true })
    }
  },
  'the gateway in inspect': async () => inspect(gateway, { depth: 20, showHidden: true }),
}

it.each(Object.entries(paths))('the key does not show in %s', async (_, path) => {
  const text = `${String(await path())} ${said.join()}`
  expect(leaksIn(text)).toEqual([])
})

it.each(Object.entries(surfaces))('neither key shows in %s', async (_, { mark, read }) => {
  const text = await read()
  expect(text).toMatch(mark)
  expect(leaksIn(text)).toEqual([])
  expect(leaksIn(said.join())).toEqual([])
})

it('each form of a key is found, wherever it stands', () => {
  for (const key of [canary, callerCanary]) {
    for (const form of formsOf(key)) expect(leaksIn(`<${form}>`)).not.toEqual([])
    for (const before of ['', 'a', 'ab', 'abc'])
      for (const encoding of ['base64', 'base64url', 'hex'] as const)
        expect(leaksIn(Buffer.from(`${before}${key}zz`).toString(encoding))).not.toEqual([])
    expect(leaksIn(String(new URLSearchParams({ key })))).not.toEqual([])
  }
})

it('looks at spans, metrics, the ledger, the audit log, the dashboard and all of /api', () => {
  const names = Object.keys(surfaces)
  for (const kind of [/^spans/, /^metrics/, /ledger/, /journal/, /audit log/, /dashboard/, /^\/api\/live/])
    expect(names.some((name) => kind.test(name))).toBe(true)
  expect(names).toEqual(expect.arrayContaining(Object.keys(questions)))
})

it('has at least 40 paths together with the key vault', () => {
  const source = new URL('../../../packages/key-vault/test/canary-paths.test.ts', import.meta.url)
  const list = /const paths[\s\S]*?\n}\n/.exec(readFileSync(source, 'utf8'))?.[0] ?? ''
  const ofVault = list.match(/^ {2}'[^']+': /gm)?.length ?? 0
  expect(ofVault).toBeGreaterThanOrEqual(25)
  expect(ofVault + Object.keys({ ...paths, ...surfaces }).length).toBeGreaterThanOrEqual(40)
})
