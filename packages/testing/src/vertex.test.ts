import { describe, expect, it } from 'vitest'
import { startVertex } from './vertex.ts'

const body = {
  anthropic_version: 'vertex-2023-10-16',
  max_tokens: 9,
  messages: [{ role: 'user', content: 'Hi' }],
}
const models = '/v1/projects/p/locations/global/publishers/anthropic/models'
const known = { authorization: 'Bearer token' }

describe('Vertex refuses', () => {
  it.each([
    ['no token', {}, body, 401, 'UNAUTHENTICATED'],
    ['a wrong token', { authorization: 'Bearer other' }, body, 401, 'UNAUTHENTICATED'],
    ['a model in the body', known, { ...body, model: 'm' }, 400, 'INVALID_ARGUMENT'],
    ['no version', known, { ...body, anthropic_version: undefined }, 400, 'INVALID_ARGUMENT'],
    ['a first-party version', known, { ...body, anthropic_version: '2023-06-01' }, 400, 'INVALID_ARGUMENT'],
    ['what Claude refuses', known, { ...body, messages: [] }, 400, 'INVALID_ARGUMENT'],
  ])('%s', async (_name, headers, sent, code, status) => {
    await using server = await startVertex({ tokens: ['token'] })
    const response = await fetch(`${server.url}${models}/claude-opus-5:rawPredict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers } as Record<string, string>,
      body: JSON.stringify(sent),
    })
    expect([response.status, await response.json()]).toMatchObject([code, { error: { code, status } }])
  })

  it('models that do not exist, and counts those that do', async () => {
    await using server = await startVertex({ models: ['a@1'] })
    const ask = (path: string, more: object = {}): Promise<Response> =>
      fetch(`${server.url}${models}/${path}`, {
        method: 'POST',
        headers: known,
        body: JSON.stringify({ ...body, ...more }),
      })
    expect(await (await ask('a%401:rawPredict')).json()).toMatchObject({ type: 'message', model: 'a@1' })
    expect((await ask('b:rawPredict')).status).toBe(404)
    expect(await (await ask('count-tokens:rawPredict', { model: 'a@1' })).json()).toEqual({ input_tokens: 2 })
  })
})
