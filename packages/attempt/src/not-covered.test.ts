import { describe, expect, it, vi } from 'vitest'
import type { Fetch } from './fetch-call.ts'
import type { NotCovered } from './not-covered.ts'
import { wrapFetch } from './wrap-fetch.ts'

const answering = (async () => new Response('{}')) as unknown as Fetch

async function told(calls: readonly (readonly [url: string, init?: RequestInit])[]): Promise<NotCovered[]> {
  const heard: NotCovered[] = []
  const wrapped = wrapFetch({ fetch: answering, onNotCovered: (call) => heard.push(call) })
  for (const [url, init] of calls) await wrapped(url, { method: 'POST', body: '{}', ...init })
  return heard
}

const noModel = { reason: 'path' }

describe('a POST of a model API that no policy sees is told of', () => {
  it.each([
    ['batches', 'https://api.anthropic.com/v1/messages/batches?beta=true', 'batches'],
    ['files', 'https://api.anthropic.com/v1/files', 'files'],
    ['embeddings', 'https://api.openai.com/v1/embeddings', 'embeddings'],
    [
      'a deployment at Azure',
      'https://x.openai.azure.com/openai/deployments/y/images/generations',
      'generations',
    ],
    ['an agent of Vertex', 'https://us-east5-aiplatform.googleapis.com/v1/x/agents/claude:query', 'query'],
    ['another API of Bedrock', 'https://bedrock-runtime.us-east-1.amazonaws.com/model/x/apply', 'apply'],
    ['batches at any host', 'http://127.0.0.1:1/v1/messages/batches', 'batches'],
    ['an id at the end', 'https://openrouter.ai/api/v1/things/1234567', 'other'],
  ])('%s', async (_, url, kind) => {
    expect(await told([[url]])).toEqual([{ ...noModel, kind, url: url.replace(/\?.*/, '') }])
  })

  it('a call whose body cannot be read, without the password, query and body', async () => {
    const url = 'http://gateway/v1/messages'
    const heard = await told([[`${url.replace('//', '//me:secret@')}?key=secret`, { body: 'secret=x' }]])
    expect(heard).toEqual([{ reason: 'body', kind: 'body', url }])
  })

  it('once for each kind, and of few kinds', async () => {
    const kinds = Array.from({ length: 40 }, (_, i) => String.fromCharCode(97 + (i % 20)))
    const heard = await told(kinds.map((kind) => [`https://api.anthropic.com/v1/${kind}`] as const))
    expect(heard.map(({ kind }) => kind)).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'])
  })

  it('by a warning of the process where nobody else hears it', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const wrapped = wrapFetch(answering)
    for (let i = 0; i < 3; i++) await wrapped('https://api.anthropic.com/v1/files', { method: 'POST' })
    expect(warn.mock.calls).toEqual([
      [
        expect.stringMatching(/^POST https:\/\/api.anthropic.com\/v1\/files is sent without any policy/),
        { code: 'SPILLWAY_NOT_COVERED' },
      ],
    ])
    warn.mockRestore()
  })

  it('and goes on where the listener throws', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const wrapped = wrapFetch({
      fetch: answering,
      onNotCovered() {
        throw new Error('secret')
      },
    })
    const response = await wrapped('https://api.anthropic.com/v1/files', { method: 'POST' })
    expect(response.status).toBe(200)
    expect(warn.mock.calls).toEqual([[expect.stringContaining('onNotCovered'), { code: 'SPILLWAY_HOOK' }]])
    warn.mockRestore()
  })
})

describe('nothing is told of', () => {
  it.each([
    ['reading', 'https://api.anthropic.com/v1/models', { method: 'GET', body: null }],
    ['signing in', 'https://api.anthropic.com/v1/oauth/token', {}],
    ['telemetry', 'https://api.anthropic.com/api/event_logging/batch', {}],
    ['what has nothing to do with models', 'https://example.com/api/things', {}],
    ['messages of another kind', 'https://chat.example.com/channels/1/messages', {}],
    [
      'a call that policies see',
      'https://api.anthropic.com/v1/messages',
      { body: '{"model":"claude-sonnet-5-5","messages":[]}' },
    ],
  ] as const)('%s', async (_, url, init) => {
    expect(await told([[url, init]])).toEqual([])
  })
})

it('a wrapped fetch may be given with options, and must be a function there too', () => {
  expect(() => wrapFetch({ fetch: 'x' as never })).toThrow('a fetch function is needed')
  expect(() => wrapFetch(null as never)).toThrow('a fetch function is needed')
})
