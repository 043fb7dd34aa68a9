import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { inspect } from 'node:util'
import type { Calls } from '@spillway/gateway-api'
import type { SimulatedServer } from '@spillway/testing'
import { expect, onTestFinished, vi } from 'vitest'
import { stringify } from 'yaml'
import { type AnsweredCall, type Gateway, parseConfig, startGateway } from '../src/index.ts'
import { temporaryFolder } from './gateway.ts'
import { messages, type Received, send } from './raw-client.ts'

/** The gateway's own key, with all that is written differently in a URL or in base64. */
export const ownCanary = 'sk-ant-CANARY-7f3d91c2a8+Kq/9w=='
/** What the caller presents. */
export const callerCanary = 'sk-ant-CALLER-e04b6a55d1+Zx/3m=='

/** The ways in which this key could be written down, the shortest telling part of each. */
export function formsOf(key: string): readonly string[] {
  const bytes = Buffer.from(key)
  const base64 = [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    // The outermost characters hold bits of what stands beside the key.
    return text.slice(offset === 0 ? 0 : offset + 1, -1)
  })
  return [
    key,
    /CANARY-\w+|CALLER-\w+/.exec(key)?.[0] as string,
    encodeURIComponent(key),
    encodeURI(key),
    key.replaceAll('/', '\\/'),
    ...base64,
    ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
    bytes.toString('hex'),
  ]
}

const forms = [ownCanary, callerCanary].flatMap(formsOf)

/** The forms of both keys that stand in this text. */
export const leaksIn = (text: string): string[] => {
  const lower = text.toLowerCase()
  return forms.filter((form) => text.includes(form) || lower.includes(form.toLowerCase()))
}

/** A collector of OpenTelemetry, and all that came to it on the wire. */
async function startCollector(): Promise<{ url: string; received: (path: string) => string }> {
  const requests: { path: string; text: string }[] = []
  const server = createServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const body = Buffer.concat(chunks).toString('latin1')
      requests.push({ path: req.url ?? '', text: `${req.rawHeaders.join()} ${body}` })
      res.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: (path) =>
      requests
        .filter((each) => each.path === path)
        .map(({ text }) => text)
        .join('\n'),
  }
}

/** A gateway with all that keeps or tells something. */
export interface Trouble {
  readonly gateway: Gateway
  /** The database, which is a file in a folder that may not be there. */
  readonly database: string
  readonly journal: string
  readonly received: (path: string) => string
  /** Three calls: one is answered, one loses its connection, and one is refused in words that quote the key. */
  call(): Promise<readonly Received[]>
  /** Waits until all three calls are in the books. */
  booked(): Promise<void>
}

export interface TroubleOptions {
  readonly claude: SimulatedServer
  readonly vault: object
  readonly credential?: string
  readonly captureContent?: boolean
  readonly isDatabaseAway?: boolean
  readonly onAnswer?: (call: AnsweredCall) => void
}

/** What only these calls say, to be found where content is kept. */
export const prompt = 'Which river feeds the lake?'

export async function openTrouble({
  claude,
  vault,
  credential = 'vault:claude',
  captureContent = false,
  isDatabaseAway = false,
  onAnswer,
}: TroubleOptions): Promise<Trouble> {
  const folder = temporaryFolder()
  const place = join(folder, 'books')
  if (!isDatabaseAway) mkdirSync(place)
  const database = join(place, 'ledger.db')
  const journal = join(folder, 'journal')
  const collector = await startCollector()
  const text = stringify({
    targets: { claude: { api: 'anthropic', endpoints: [{ url: claude.url, credential }] } },
    routes: [{ models: '*', target: 'claude' }],
    retry: { attempts: 1 },
    vault,
    storage: { url: `sqlite:${database}`, journal },
    telemetry: { otlp: collector.url, captureContent },
  })
  const gateway = await startGateway(parseConfig(text, 'f').config, { port: 0, onAnswer })
  onTestFinished(() => gateway.close(0))
  const sentKey = credential === 'caller' ? callerCanary : ownCanary
  return {
    gateway,
    database,
    journal,
    received: collector.received,
    async call() {
      const ask = (headers: Readonly<Record<string, string>>): Promise<Received> =>
        send(`${gateway.url}/v1/messages`, {
          body: messages({ messages: [{ role: 'user', content: prompt }] }),
          headers,
        })
      const before = claude.requests.length
      const answered = await ask({ 'x-api-key': callerCanary })
      claude.next({ type: 'reset' })
      const dead = await ask({ 'x-api-key': callerCanary, cookie: `key=${callerCanary}` })
      const message = `invalid x-api-key: ${sentKey}`
      claude.next({ type: 'status', status: 401, message })
      const refused = await ask({ 'x-api-key': callerCanary })
      expect([answered.status, refused.status]).toEqual([200, 401])
      expect(dead.status).toBeGreaterThanOrEqual(500)
      const requests = claude.requests.slice(before)
      expect(requests.map(({ headers }) => headers['x-api-key'])).toEqual([sentKey, sentKey, sentKey])
      if (credential !== 'caller') expect(inspect(requests, { depth: 9 })).not.toContain('CALLER')
      return [answered, dead, refused]
    },
    async booked() {
      await vi.waitFor(async () => {
        const { text } = await send(`${gateway.url}/api/calls`, { method: 'GET' })
        expect((JSON.parse(text) as Calls).calls).toHaveLength(3)
      }, 10_000)
    },
  }
}

/** The bytes of all files whose path begins so, a folder's among them. */
export function bytesAt(path: string): string {
  if (!existsSync(path)) return ''
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n')
}
