import { describe, expect, it } from 'vitest'
import { startVertex } from './vertex.ts'

const body = {
  anthropic_version: 'vertex-2023-10-16',
  max_tokens: 9,
  messages: [{ role: 'user', content: 'Hi' }],
}
const models = '/v1/projects/p/locations/global/publishers/anthropic/models'
const withSource = (type: string, source: object): object => ({
  ...body,
  messages: [{ role: 'user', content: [{ type, source }] }],
})
const known = { authorization: 'Bearer token' }

describe('Vertex refuses', () => {
  it.each([
    ['no token', {}, body, 401, 'UNAUTHENTICATED'],
    ['a wrong token', { authorization: 'Bearer other' }, body, 401, 'UNAUTHENTICATED'],
  ])('%s', async (_name, headers, sent, code, status) => {
    await using server = await startVertex({ tokens: ['token'] })
    const response = await fetch(`${server.url}${models}/claude-opus-5:rawPredict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers } as Record<string, string>,
      body: JSON.stringify(sent),
    })
    expect([response.status, await response.json()]).toMatchObject([code, { error: { code, status } }])
  })

  it.each([
    ['a model in the body', { ...body, model: 'm' }, 'model: Extra inputs are not permitted'],
    ['no version', { ...body, anthropic_version: undefined }, 'anthropic_version: Field required'],
    ['a first-party version', { ...body, anthropic_version: '2023-06-01' }, 'is not a valid version'],
    ['no messages', { ...body, messages: [] }, 'at least one message is required'],
    ['a list of servers', { ...body, mcp_servers: [] }, 'mcp_servers: Extra inputs are not permitted'],
    [
      'a document that would have to be fetched',
      withSource('document', { type: 'url', url: 'https://example.com/a.pdf' }),
      'messages.0.content.0.image.source.base64.data: URL sources are not supported',
    ],
    ['a file', withSource('image', { type: 'file', file_id: 'file_1' }), "Input tag 'file'"],
    [
      'a tool that runs elsewhere',
      { ...body, tools: [{ type: 'web_fetch_20250910', name: 'web_fetch' }] },
      "tools.0: Input tag 'web_fetch_20250910'",
    ],
  ])('%s in the words of Claude', async (_name, sent, message) => {
    await using server = await startVertex()
    const response = await fetch(`${server.url}${models}/claude-opus-5:rawPredict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...known },
      body: JSON.stringify(sent),
    })
    expect([response.status, await response.json()]).toEqual([
      400,
      {
        type: 'error',
        error: { type: 'invalid_request_error', message: expect.stringContaining(message) },
        request_id: expect.stringMatching(/^req_vrtx_/),
      },
    ])
  })

  it('betas that it does not take, each by name', async () => {
    await using server = await startVertex({ betas: ['context-1m-2025-08-07'] })
    const ask = async (betas: string): Promise<unknown> => {
      const headers = { ...known, 'anthropic-beta': betas }
      const url = `${server.url}${models}/claude-opus-5:rawPredict`
      const { status, body: stream } = await fetch(url, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
      })
      return [status, await new Response(stream).text()]
    }
    expect(await ask('context-1m-2025-08-07')).toMatchObject([200, expect.anything()])
    expect(await ask('context-1m-2025-08-07,web-search-2025-03-05')).toMatchObject([
      400,
      expect.stringContaining('Unexpected value(s) `web-search-2025-03-05` for the `anthropic-beta` header'),
    ])
  })

  it('models, projects and places that do not exist, and counts the tokens of those that do', async () => {
    await using server = await startVertex({ models: ['a@1'], projects: ['p'], locations: ['global'] })
    const ask = (path: string, more: object = {}, headers: Record<string, string> = {}): Promise<Response> =>
      fetch(`${server.url}${path.startsWith('/') ? '' : `${models}/`}${path}`, {
        method: 'POST',
        headers: { ...known, ...headers },
        body: JSON.stringify({ ...body, ...more }),
      })
    const count = { model: 'a@1', max_tokens: undefined }
    expect(await (await ask('a%401:rawPredict')).json()).toMatchObject({ type: 'message', model: 'a@1' })
    expect((await ask('b:rawPredict')).status).toBe(404)
    expect((await ask(`${models}/a@1:rawPredict`.replace('global', 'us-east5'))).status).toBe(404)
    expect((await ask(`${models}/a@1:rawPredict`.replace('projects/p', 'projects/q'))).status).toBe(403)
    expect((await ask('a@1:rawPredict', {}, { 'x-goog-user-project': 'q' })).status).toBe(403)
    expect(await (await ask('count-tokens:rawPredict', count)).json()).toEqual({ input_tokens: 2 })
    expect((await ask('count-tokens:rawPredict', { ...count, model: 'b' })).status).toBe(404)
  })
})
