import { describe, expect, it } from 'vitest'
import { jsonBodyFromObject } from './json-body.ts'
import { createRequest, deriveRequest } from './request.ts'

describe('another model for a call that a cloud wraps', () => {
  const models = '/v1/projects/p/locations/l/publishers/anthropic/models'

  it.each([
    ['bedrock', '/model/a.b/invoke', '/model/x%3A0%2Fy/invoke'],
    [
      'bedrock',
      'https://h/model/arn:a/b/invoke-with-response-stream?q=1',
      'https://h/model/x%3A0%2Fy/invoke-with-response-stream?q=1',
    ],
    [
      'vertex',
      `https://h${models}/claude-a@1:streamRawPredict?b#c`,
      `https://h${models}/x%3A0%2Fy:streamRawPredict?b#c`,
    ],
  ] as const)('stands in the path (%s)', (venue, url, expected) => {
    const body = jsonBodyFromObject({ anthropic_version: 'v', messages: [] })
    const request = createRequest({ api: 'anthropic', venue, model: 'a', stream: false, url, body })
    const derived = deriveRequest(request, { model: 'x:0/y' })
    expect([derived.model, derived.url, derived.body]).toEqual(['x:0/y', expected, body])
  })

  it('stands in the body where the path has none', () => {
    const url = `${models}/count-tokens:rawPredict`
    const body = jsonBodyFromObject({ model: 'a' })
    const request = createRequest({ api: 'anthropic', venue: 'vertex', model: 'a', stream: false, url, body })
    const derived = deriveRequest(request, { model: 'b' })
    expect([derived.url, derived.body.json.model]).toEqual([url, 'b'])
  })
})
