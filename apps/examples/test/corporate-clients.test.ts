import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import Anthropic from '@anthropic-ai/sdk'
import { sdkMiddleware, wrapFetch } from '@spillway/attempt'
import { retry } from '@spillway/retry'
import { type ConnectProxy, type SimulatedServer, startConnectProxy } from '@spillway/testing'
import { Agent, ProxyAgent, fetch as undiciFetch } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { intercepting } from '../../../packages/core-client/test/certificate.ts'
import { ask, faults, officialClients, text } from './official-clients.ts'

const venues = new Map<string, SimulatedServer>()
let proxy: ConnectProxy
let certificate: { key: string; cert: string; ca: string }
let dispatcher: ProxyAgent

beforeAll(async () => {
  certificate = await intercepting(officialClients.map(({ host }) => host))
  for (const { host, start } of officialClients) venues.set(host, await start({ reply: { text } }))
  // The only way to the venues: no other resolver knows their names.
  const hosts = Object.fromEntries([...venues].map(([host, { url }]) => [host, url]))
  proxy = await startConnectProxy({ hosts, certificate, credentials: 'me:secret' })
  dispatcher = new ProxyAgent({ uri: withPassword(proxy.url), requestTls: { ca: certificate.ca } })
})

afterAll(async () => {
  await dispatcher.destroy()
  await proxy.close()
  for (const venue of venues.values()) await venue.close()
})

const withPassword = (url: string): string => url.replace('//', '//me:secret@')
const patient = () => retry({ baseDelay: 0, maxDelay: 0 })

describe.each(officialClients.map((client) => [client.name, client] as const))(
  '%s behind a proxy that reads along',
  (_, { make, path, host, model }) => {
    const venue = (): SimulatedServer => venues.get(host) as SimulatedServer

    it.each([false, true])(
      'works with fetchOptions.dispatcher and sdkMiddleware (stream: %s)',
      async (stream) => {
        const { requests } = venue()
        const before = requests.length
        venue().next(faults.unavailable)
        const client = make(`https://${host}`, {
          maxRetries: 0,
          fetch: undiciFetch as never,
          fetchOptions: { dispatcher } as never,
          middleware: [sdkMiddleware(patient())],
        })
        expect(await ask(client, stream, model)).toBe(text)
        expect(requests.slice(before).map((request) => path.test(request.path.replace(/\?.*/, '')))).toEqual([
          true,
          true,
        ])
      },
    )

    it.each([false, true])(
      'works with fetchOptions.dispatcher and wrapFetch (stream: %s)',
      async (stream) => {
        const isRead = path.source.includes('messages')
        const { requests } = venue()
        const before = requests.length
        if (isRead) venue().next(faults.unavailable)
        const client = make(`https://${host}`, {
          maxRetries: 0,
          fetch: wrapFetch({ fetch: undiciFetch as never, onNotCovered() {} }, patient()),
          fetchOptions: { dispatcher } as never,
        })
        expect(await ask(client, stream, model)).toBe(text)
        expect(requests.slice(before)).toHaveLength(isRead ? 2 : 1)
      },
    )
  },
)

it('all of them work with the proxy and the certificate of the environment', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-examples-'))
  const ca = join(folder, 'ca.pem')
  writeFileSync(ca, certificate.ca)
  const child = join(import.meta.dirname, 'corporate-child.ts')
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=@spillway/source', '--disable-warning=SPILLWAY_NOT_COVERED', child],
    {
      env: {
        ...process.env,
        NODE_USE_ENV_PROXY: '1',
        HTTPS_PROXY: withPassword(proxy.url),
        NODE_EXTRA_CA_CERTS: ca,
        NO_PROXY: '',
      },
    },
  )
  const answers: unknown = JSON.parse(stdout)
  const expected = officialClients.flatMap(({ name }) => [
    [`${name} with sdkMiddleware`, text],
    [`${name} with wrapFetch`, text],
  ])
  expect(answers).toEqual([...expected, ['createClient', text]])
  rmSync(folder, { recursive: true, maxRetries: 9 })
})

it('a dispatcher that the fetch does not take fails as it does without Spillway', async () => {
  const other = new Agent()
  const causeOf = async (fetch: never): Promise<unknown> => {
    const client = new Anthropic({
      apiKey: 'k',
      baseURL: venues.get('claude.example')?.url ?? '',
      maxRetries: 0,
      fetch,
      fetchOptions: { dispatcher: other } as never,
    })
    const error = (await ask(client, false).catch((error: unknown) => error)) as Error
    return [
      error.constructor.name,
      error.message,
      ((error.cause as Error | undefined)?.cause as Error | undefined)?.message,
    ]
  }
  // Node's own is of another version of undici, which says so by these words.
  expect(await causeOf(wrapFetch(fetch, patient()) as never)).toEqual(await causeOf(fetch as never))
  await other.destroy()
})
