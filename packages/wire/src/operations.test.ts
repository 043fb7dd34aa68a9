import { describe, expect, it } from 'vitest'
import { normaliseBaseUrl, pathOf, queryOf, recogniseCall } from './operations.ts'

describe('a call', () => {
  it.each([
    ['/v1/messages', 'anthropic', 'generate'],
    ['/messages', 'anthropic', 'generate'],
    ['/api/v1/messages', 'anthropic', 'generate'],
    ['/v1/messages/count_tokens', 'anthropic', 'count_tokens'],
    ['/v1/chat/completions', 'openai', 'generate'],
    ['/api/v1/chat/completions', 'openai', 'generate'],
    ['/chat/completions', 'openai', 'generate'],
  ])('is told by the path %s: %s, %s', (path, api, operation) => {
    expect(recogniseCall('POST', path)).toEqual({ api, operation })
  })

  it.each([
    ['GET', '/v1/messages'],
    ['GET', '/v1/models'],
    ['POST', '/v1/messages/batches'],
    ['POST', '/v1/complete'],
    ['POST', '/v1/completions'],
    ['POST', '/v1/embeddings'],
    ['POST', '/v1/notmessages'],
    ['POST', '/'],
    ['POST', ''],
  ])('is not %s %s', (method, path) => {
    expect(recogniseCall(method, path)).toBeUndefined()
  })

  it('has a path by which it is recognised', () => {
    for (const path of ['/v1/messages', '/v1/messages/count_tokens', '/v1/chat/completions']) {
      expect(pathOf(recogniseCall('POST', path)!)).toBe(path)
    }
  })
})

describe('a base URL', () => {
  it.each([
    ['https://api.anthropic.com', 'https://api.anthropic.com'],
    ['https://api.anthropic.com/', 'https://api.anthropic.com'],
    ['https://api.openai.com/v1', 'https://api.openai.com'],
    ['https://openrouter.ai/api/v1//', 'https://openrouter.ai/api'],
    ['http://127.0.0.1:11434', 'http://127.0.0.1:11434'],
    ['http://host/v1beta', 'http://host/v1beta'],
    ['http://host/dev1', 'http://host/dev1'],
  ])('%s is %s', (url, normal) => {
    expect(normaliseBaseUrl(url)).toBe(normal)
    expect(normaliseBaseUrl(normal)).toBe(normal)
  })
})

it.each([
  ['/v1/messages', ''],
  ['/v1/messages?beta=true', '?beta=true'],
  ['https://host/v1/messages?a=1&b=2#top', '?a=1&b=2'],
  ['/v1/messages?', '?'],
  ['/v1/messages?a=b?c', '?a=b?c'],
])('the query of %s is %j', (url, query) => {
  expect(queryOf(url)).toBe(query)
})
