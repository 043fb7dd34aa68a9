import { proxiedFetch } from '@spillway/core-client'
import { retry } from '@spillway/retry'
import { type ConnectProxy, startConnectProxy } from '@spillway/testing'
import OpenAI from 'openai'
import { type Dispatcher, ProxyAgent, fetch as undiciFetch } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { intercepting } from '../../../packages/core-client/test/certificate.ts'
import { text } from '../src/answers.ts'
import { type CallOptions, fetchOf } from '../src/client.ts'
import { clients } from '../src/table.ts'
import { startUpstream, type Upstream } from '../src/upstream.ts'

// A company's network: nothing but a proxy with a password knows the venue, and it ends TLS with its own certificate.

const host = 'venue.example'
const url = `https://${host}`
let upstream: Upstream
let proxy: ConnectProxy
let dispatcher: Dispatcher
/** What users give to a client that has no option but `fetch`. */
let throughProxy: typeof fetch

beforeAll(async () => {
  const certificate = await intercepting([host])
  upstream = await startUpstream('refuses twice')
  const credentials = 'me:secret'
  proxy = await startConnectProxy({ hosts: { [host]: upstream.url }, certificate, credentials })
  const uri = proxy.url.replace('//', `//${credentials}@`)
  const tls = { ca: certificate.ca }
  dispatcher = new ProxyAgent({ uri, requestTls: tls })
  throughProxy = proxiedFetch({ proxy: uri, tls }) as typeof fetch
})

afterAll(async () => {
  await dispatcher.destroy()
  await proxy.close()
  upstream.close()
})

const policies = () => [retry({ attempts: 4, baseDelay: 1, budget: false })]

const callWith = (more: Pick<CallOptions, 'stream' | 'policies'>): CallOptions => ({
  ...{ url, fetch: throughProxy, signal: AbortSignal.timeout(20_000) },
  ...more,
})

describe('behind a proxy that reads along', () => {
  it.each(clients.map((client) => [`${client.name} by ${client.way}`, client] as const))(
    '%s is answered with policies, whole and streamed, and fails without them',
    async (_, client) => {
      for (const stream of [false, true]) {
        upstream.begin('refuses twice')
        const before = proxy.requests.length
        expect(await client.ask(callWith({ stream, policies: policies() }))).toBe(text)
        expect(proxy.requests.length - before).toBe(3)
      }
      upstream.begin('refuses twice')
      await expect(client.ask(callWith({ stream: false, policies: undefined }))).rejects.toThrow()
    },
  )

  it.each([false, true])(
    'the openai client keeps its fetchOptions.dispatcher (stream: %s)',
    async (stream) => {
      const fetch = fetchOf({ ...callWith({ stream, policies: policies() }), fetch: undiciFetch as never })
      const openai = new OpenAI({
        ...{ apiKey: 'sk', baseURL: `${url}/v1`, maxRetries: 0, fetch },
        fetchOptions: { dispatcher } as never,
      })
      const model = 'gpt-6'
      const messages = [{ role: 'user' as const, content: 'Where does it go?' }]
      let said = ''
      upstream.begin('refuses twice')
      if (stream) {
        for await (const { choices } of await openai.chat.completions.create({ model, messages, stream }))
          said += choices[0]?.delta.content ?? ''
      } else
        said = (await openai.chat.completions.create({ model, messages })).choices[0]?.message.content ?? ''
      expect(said).toBe(text)
      upstream.begin('refuses twice')
      const input = 'Where does it go?'
      if (stream) {
        said = ''
        for await (const event of await openai.responses.create({ model, input, stream }))
          if (event.type === 'response.output_text.delta') said += event.delta
      } else said = (await openai.responses.create({ model, input })).output_text
      expect(said).toBe(text)
    },
  )
})
