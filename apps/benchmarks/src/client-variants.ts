import { attempt, fetchTransport } from '@spillway/attempt'
import { createClient } from '@spillway/core-client'
import { compose, createRequest } from '@spillway/middleware'
import { jsonBodyFromBytes, readBody } from '@spillway/middleware/kit'
import { Agent, request as undiciRequest } from 'undici'
import { allPolicies } from './all-policies.ts'
import type { Variant } from './measure.ts'

const headers = {
  'content-type': 'application/json',
  'anthropic-version': '2023-06-01',
  'x-api-key': 'sk-benchmark',
}

/** Which calls are measured in a process of their own, and where they go. */
export interface CallsSettings {
  readonly url: string
  readonly stream: boolean
  readonly names: readonly string[]
}

/** The request of every variant. */
export function requestBody(stream: boolean): string {
  return JSON.stringify({
    model: 'claude-sonnet-5-5',
    max_tokens: 1024,
    stream,
    messages: [{ role: 'user', content: 'Write a haiku about a dam that is full.' }],
  })
}

/** The same call in all the ways that an application may make it, to the server at `url`. */
export async function clientVariants(
  url: string,
  stream: boolean,
): Promise<{ variants: Variant[]; close: () => Promise<void> }> {
  const endpoint = `${url}/v1/messages`
  const body = requestBody(stream)
  const bytes = new TextEncoder().encode(body)
  const agent = new Agent({ connections: 50 })
  const client = createClient({ provider: 'anthropic', baseUrl: url, credential: 'sk-benchmark' })
  const { middleware, credential, close: closePolicies } = await allPolicies(url)
  const whole = createClient({ provider: 'anthropic', baseUrl: url, credential, middleware })
  const emptyChain = compose([], client.handler)
  const overFetch = compose([], attempt(fetchTransport(fetch)))
  const decoder = new TextDecoder()
  const init = { method: 'POST', headers, body }
  const read = async (chunks: AsyncIterable<Uint8Array>): Promise<void> => {
    let length = 0
    for await (const chunk of chunks) length += chunk.length
    if (length === 0) throw new Error('nothing was read')
  }
  const consume = async (response: Response): Promise<void> => {
    if (stream) await read(response.body as unknown as AsyncIterable<Uint8Array>)
    else await response.json()
  }
  const chain = async (handler: typeof emptyChain): Promise<void> => {
    const response = await handler(
      createRequest({
        api: 'anthropic',
        model: 'claude-sonnet-5-5',
        stream,
        url: endpoint,
        headers,
        body: jsonBodyFromBytes(bytes),
      }),
    )
    if (stream) await read(response.body)
    else JSON.parse(decoder.decode(await readBody(response.body)))
    await response.outcome
  }
  const variants: Variant[] = [
    {
      name: 'bare undici.request',
      async call() {
        const response = await undiciRequest(endpoint, { ...init, method: 'POST', dispatcher: agent })
        if (stream) await read(response.body)
        else await response.body.json()
      },
    },
    { name: 'bare fetch', call: async () => consume(await fetch(endpoint, init)) },
    { name: 'empty chain', call: () => chain(emptyChain) },
    { name: 'eight policies', call: () => chain(whole.handler) },
    { name: 'empty chain over fetch', call: () => chain(overFetch) },
    { name: 'client.fetch', call: async () => consume(await client.fetch(endpoint, init)) },
    {
      name: 'client.fetch, eight policies',
      call: async () => consume(await whole.fetch(endpoint, init)),
    },
  ]
  return {
    variants,
    async close() {
      await Promise.all([client.close(), whole.close()])
      await closePolicies()
      await agent.close()
    },
  }
}
