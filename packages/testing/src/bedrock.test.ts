import { describe, expect, it } from 'vitest'
import { startBedrock } from './bedrock.ts'

const body = { anthropic_version: '2026-10-21', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] }

describe('Bedrock refuses', () => {
  const bearer = { authorization: 'Bearer key' }

  it.each([
    ['no key', {}, body, 403, 'MissingAuthenticationTokenException', 'Missing Authentication Token'],
    ['a wrong key', { authorization: 'Bearer other' }, body, 403, 'AccessDeniedException', 'API Key'],
    [
      'a model in the body',
      bearer,
      { ...body, model: 'm' },
      400,
      'ValidationException',
      'extraneous key [model]',
    ],
    [
      'a stream in the body',
      bearer,
      { ...body, stream: true },
      400,
      'ValidationException',
      'extraneous key [stream]',
    ],
    [
      'no version',
      bearer,
      { ...body, anthropic_version: undefined },
      400,
      'ValidationException',
      'Field required',
    ],
    [
      'a first-party version',
      bearer,
      { ...body, anthropic_version: '2023-06-01' },
      400,
      'ValidationException',
      'not supported',
    ],
    [
      'betas that are no list',
      bearer,
      { ...body, anthropic_beta: 'a' },
      400,
      'ValidationException',
      'anthropic_beta',
    ],
    [
      'no limit',
      bearer,
      { ...body, max_tokens: undefined },
      400,
      'ValidationException',
      'max_tokens: Field required',
    ],
    [
      'what Claude refuses',
      bearer,
      { ...body, messages: [] },
      400,
      'ValidationException',
      'at least one message',
    ],
    ['an unknown field', bearer, { ...body, nonsense: 1 }, 400, 'ValidationException', 'nonsense'],
  ])('%s', async (_name, headers, sent, status, type, message) => {
    await using server = await startBedrock({ apiKeys: ['key'], checkRules: true })
    const response = await fetch(`${server.url}/model/anthropic.claude-opus-5/invoke`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers } as Record<string, string>,
      body: JSON.stringify(sent),
    })
    expect(response.status).toBe(status)
    expect(response.headers.get('x-amzn-errortype')).toMatch(new RegExp(`^${type}:`))
    expect((await response.json()) as object).toEqual({ message: expect.stringContaining(message) })
  })

  it('models that do not exist, and operations', async () => {
    await using server = await startBedrock({ models: ['a'] })
    const ask = (path: string): Promise<Response> =>
      fetch(server.url + path, { method: 'POST', headers: bearer, body: JSON.stringify(body) })
    expect((await ask('/model/a/invoke')).status).toBe(200)
    expect((await ask('/model/b/invoke')).status).toBe(400)
    expect((await ask('/model/a/converse')).status).toBe(404)
  })
})
