import { startOpenRouter } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { createClient } from './client.ts'

const app = { url: 'https://example.com', title: 'Gatekeeper' }

describe('the application', () => {
  it('is told to OpenRouter under both names of its title', async () => {
    await using server = await startOpenRouter()
    await using client = createClient({
      provider: 'openrouter',
      baseUrl: `${server.url}/api`,
      credential: 'k',
      app,
    })
    await client.complete('Hello')
    expect(server.requests[0]?.path).toBe('/api/v1/chat/completions')
    expect(server.requests[0]?.headers).toMatchObject({
      authorization: 'Bearer k',
      'http-referer': 'https://example.com',
      'x-openrouter-title': 'Gatekeeper',
      'x-title': 'Gatekeeper',
    })
  })

  it("yields to the caller's own headers", async () => {
    await using server = await startOpenRouter()
    await using client = createClient({
      provider: 'openrouter',
      baseUrl: `${server.url}/api`,
      credential: 'k',
      app,
    })
    const headers = { 'HTTP-Referer': 'https://caller.example', 'X-Title': 'Caller' }
    await client.complete('Hello', { headers })
    expect(server.requests[0]?.headers).toMatchObject({
      'http-referer': 'https://caller.example',
      'x-title': 'Caller',
    })
  })
})

describe('a provider', () => {
  it('that is not known is refused by name', () => {
    // @ts-expect-error Not a provider.
    expect(() => createClient({ provider: 'delphi' })).toThrow(
      /unknown provider "delphi"; known are anthropic/,
    )
  })

  it('without a model of its own wants one named', async () => {
    await using client = createClient({ provider: 'ollama' })
    await expect(client.complete('Hello')).rejects.toThrow(/no model/)
  })
})
