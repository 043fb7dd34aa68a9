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
    ['/v1/responses', 'responses', 'generate'],
    ['/api/v1/responses', 'responses', 'generate'],
    ['/openai/v1/responses', 'responses', 'generate'],
    ['/openai/responses', 'responses', 'generate'],
    ['/v1/responses/input_tokens', 'responses', 'count_tokens'],
    // Mantle, Claude Platform on AWS, Foundry, Google-managed.
    ['https://bedrock-mantle.us-east-1.api.aws/anthropic/v1/messages', 'anthropic', 'generate'],
    [
      'https://aws-external-anthropic.us-east-1.api.aws/v1/messages/count_tokens',
      'anthropic',
      'count_tokens',
    ],
    ['https://res.services.ai.azure.com/anthropic/v1/messages', 'anthropic', 'generate'],
    [
      'https://claude.googleapis.com/v1/projects/p/locations/l/workspaces/w/invoke/v1/messages',
      'anthropic',
      'generate',
    ],
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
    ['POST', '/v1/responses/resp_1/cancel'],
    ['GET', '/v1/responses/resp_1'],
    ['GET', '/model/anthropic.claude-opus-5/invoke'],
    ['POST', '/model/anthropic.claude-opus-5/converse'],
    ['POST', '/model/%E0%A4%A/invoke'],
    ['POST', '/v1/projects/p/locations/l/publishers/mistralai/models/m:rawPredict'],
    ['POST', '/'],
    ['POST', ''],
  ])('is not %s %s', (method, path) => {
    expect(recogniseCall(method, path)).toBeUndefined()
  })

  it('has a path by which it is recognised', () => {
    const paths = ['/v1/messages', '/v1/messages/count_tokens', '/v1/chat/completions']
    for (const path of [...paths, '/v1/responses', '/v1/responses/input_tokens']) {
      expect(pathOf(recogniseCall('POST', path)!)).toBe(path)
    }
  })
})

describe('a call that a cloud wraps', () => {
  const vertex = '/v1/projects/p/locations/l/publishers/anthropic/models'

  it.each([
    ['/model/anthropic.claude-opus-5/invoke', 'bedrock', 'anthropic.claude-opus-5', false],
    [
      'https://bedrock-runtime.us-east-1.amazonaws.com/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke-with-response-stream',
      'bedrock',
      'us.anthropic.claude-sonnet-4-5-20250929-v1:0',
      true,
    ],
    [
      '/model/arn:aws:bedrock:us-east-1:1:application-inference-profile/abc/invoke',
      'bedrock',
      'arn:aws:bedrock:us-east-1:1:application-inference-profile/abc',
      false,
    ],
    [
      '/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fabc/invoke',
      'bedrock',
      'arn:aws:bedrock:us-east-1:1:inference-profile/abc',
      false,
    ],
    [`${vertex}/claude-opus-5:rawPredict`, 'vertex', 'claude-opus-5', undefined],
    [
      `${vertex}/claude-sonnet-4-5%4020250929:streamRawPredict`,
      'vertex',
      'claude-sonnet-4-5@20250929',
      undefined,
    ],
  ])('is told by the path %s', (path, venue, model, stream) => {
    const expected = { api: 'anthropic', operation: 'generate', venue, model }
    expect(recogniseCall('POST', path)).toEqual(stream === undefined ? expected : { ...expected, stream })
  })

  it('counts tokens on Vertex with a model in the body', () => {
    const path = `${vertex}/count-tokens:rawPredict`
    expect(recogniseCall('POST', path)).toEqual({
      api: 'anthropic',
      operation: 'count_tokens',
      venue: 'vertex',
    })
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
