import Anthropic from '@anthropic-ai/sdk'
import { startClaude, startOllama, startOpenAi, startOpenRouter } from '@spillway/testing'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { forThisTest, gatewayOf, ownKey, targetAt } from './gateway.ts'

const ids = Array.from({ length: 25 }, (_, index) => `claude-opus-5-${index}`)

const anthropicAt = (url: string, apiKey = 'sk-ant-of-the-caller'): Anthropic =>
  new Anthropic({ baseURL: url, apiKey, maxRetries: 0 })
const openaiAt = (url: string): OpenAI =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey: 'sk-of-the-caller', maxRetries: 0 })

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

describe('the models of a gateway', () => {
  it('are those that routes name, and those that vendors list and a glob takes, once each', async () => {
    const claude = forThisTest(
      await startClaude({ apiKeys: [ownKey.value], models: [...ids, 'other-model'] }),
    )
    const ollama = forThisTest(await startOllama({ models: ['qwen3:8b'] }))
    const { url } = await gatewayOf({
      targets: {
        claude: targetAt(claude, 'anthropic'),
        local: targetAt(ollama, 'ollama', { model: 'qwen3:8b' }),
      },
      routes: [
        { models: 'fast', target: 'local' },
        { models: 'claude-opus-5-3', target: 'local' },
        { models: 'claude-*', target: 'claude', fallback: ['local'] },
        { models: '*', target: 'local' },
      ],
    })
    const expected = ['fast', 'claude-opus-5-3', ...ids.filter((id) => id !== 'claude-opus-5-3'), 'qwen3:8b']
    const listed = await all(anthropicAt(url).models.list())
    expect(listed.map(({ id }) => id)).toEqual(expected)
    expect(listed[2]).toMatchObject({ type: 'model', display_name: ids[0], max_input_tokens: 1_000_000 })
    expect(listed[0]).toEqual({
      ...{ type: 'model', id: 'fast', display_name: 'fast', created_at: '1970-01-01T00:00:00Z' },
    })
    const ofOpenAi = await all(openaiAt(url).models.list())
    expect(ofOpenAi.map(({ id }) => id)).toEqual(expected)
    expect(ofOpenAi[2]).toEqual({
      ...{ id: ids[0], object: 'model', owned_by: 'anthropic', created: Date.UTC(2026, 9, 1) / 1_000 },
    })
    // All of that with one question, by the gateway's own key.
    expect(claude.requests.map(({ path }) => path)).toEqual(['/v1/models?limit=1000'])
    expect(JSON.stringify(claude.requests[0]?.headers)).not.toContain('of-the-caller')
  })

  it('come by pages to clients of Anthropic, forwards and backwards', async () => {
    const claude = forThisTest(await startClaude({ models: ids }))
    const { url } = await gatewayOf({
      targets: { claude: targetAt(claude, 'anthropic') },
      routes: [{ models: '*', target: 'claude' }],
    })
    // The same words from the vendor itself and from the gateway.
    for (const query of [
      '',
      '?limit=3',
      `?limit=3&after_id=${ids[3]}`,
      `?before_id=${ids[3]}&limit=2`,
      '?limit=1000',
    ]) {
      const [ours, theirs] = await Promise.all(
        [url, claude.url].map(async (base) => {
          const headers = { 'x-api-key': ownKey.value, 'anthropic-version': '2023-06-01' }
          return (await fetch(`${base}/v1/models${query}`, { headers })).json()
        }),
      )
      expect(ours).toEqual(theirs)
    }
    for (const query of ['?limit=0', '?limit=1001', '?limit=x', '?after_id=a&before_id=b']) {
      const response = await fetch(`${url}/v1/models${query}`, { headers: { 'x-api-key': 'k' } })
      expect([response.status, await response.json()]).toMatchObject([
        400,
        { type: 'error', error: { type: 'invalid_request_error' } },
      ])
    }
  })

  it('are told one by one, also those that only the vendor knows, and 404 says which', async () => {
    const router = forThisTest(await startOpenRouter({ models: ['anthropic/claude-opus-5.5'] }))
    const claude = forThisTest(await startClaude({ models: ['claude-opus-5-5'] }))
    const { url } = await gatewayOf({
      targets: { router: targetAt(router, 'openrouter'), claude: targetAt(claude, 'anthropic') },
      routes: [
        { models: 'anthropic/*', target: 'router' },
        { models: 'claude-*', target: 'claude' },
      ],
    })
    const anthropic = anthropicAt(url)
    expect(await anthropic.models.retrieve('anthropic/claude-opus-5.5')).toMatchObject({
      ...{ type: 'model', id: 'anthropic/claude-opus-5.5' },
    })
    expect(await openaiAt(url).models.retrieve('claude-opus-5-5')).toMatchObject({ object: 'model' })
    const unknown = await anthropic.models.retrieve('claude-nobody').catch((error: unknown) => error)
    expect(unknown).toBeInstanceOf(Anthropic.NotFoundError)
    expect(String(unknown)).toContain('model: claude-nobody')
    await expect(openaiAt(url).models.retrieve('gpt-nobody')).rejects.toBeInstanceOf(OpenAI.NotFoundError)
    const wrong = await fetch(`${url}/v1/models`, { method: 'POST' })
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    const head = await fetch(`${url}/v1/models`, { method: 'HEAD', headers: { 'x-api-key': 'k' } })
    const get = await fetch(`${url}/v1/models`, { headers: { 'x-api-key': 'k' } })
    expect([head.status, await head.text(), head.headers.get('content-length')]).toEqual([
      ...[200, '', get.headers.get('content-length')],
    ])
  })

  it('are seen by each caller with its own key where it brings one', async () => {
    const claude = forThisTest(await startClaude({ apiKeys: ['sk-ant-a'], models: ['claude-opus-5-5'] }))
    const { url } = await gatewayOf({
      targets: { claude: { api: 'anthropic', endpoints: [{ url: claude.url, credential: 'caller' }] } },
      routes: [{ models: 'claude-*', target: 'claude' }],
    })
    expect(await all(anthropicAt(url, 'sk-ant-a').models.list())).toHaveLength(1)
    expect(await all(anthropicAt(url, 'sk-ant-b').models.list())).toHaveLength(0)
    expect(claude.requests.map(({ headers }) => headers.authorization)).toEqual([
      ...['Bearer sk-ant-a', 'Bearer sk-ant-b'],
    ])
  })

  it('are the routes’ own names where no vendor answers, within the patience of Claude Code', async () => {
    const openai = await startOpenAi({})
    const { url: away } = openai
    await openai.close()
    const { url } = await gatewayOf({
      targets: {
        gone: targetAt({ url: away }, 'openai'),
        silent: targetAt({ url: away }, 'anthropic'),
      },
      routes: [
        { models: 'claude-fable-6', target: 'gone' },
        { models: 'claude-*', target: 'silent', fallback: ['gone'] },
      ],
    })
    const begun = performance.now()
    const headers = { authorization: 'Bearer sw', 'user-agent': 'claude-cli/2.1.330 (external, cli)' }
    const response = await fetch(`${url}/v1/models?limit=1000`, { headers })
    expect(await response.json()).toEqual({
      data: [
        expect.objectContaining({ type: 'model', id: 'claude-fable-6', display_name: 'claude-fable-6' }),
      ],
      ...{ has_more: false, first_id: 'claude-fable-6', last_id: 'claude-fable-6' },
    })
    expect(performance.now() - begun).toBeLessThan(3_000)
    expect(await anthropicAt(url).models.retrieve('claude-sonnet-5-5')).toMatchObject({
      id: 'claude-sonnet-5-5',
    })
  })
})
