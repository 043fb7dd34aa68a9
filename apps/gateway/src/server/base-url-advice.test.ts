import { expect, it } from 'vitest'
import { baseUrlAdvice } from './base-url-advice.ts'

const calls = [
  { path: '/v1/messages', api: 'anthropic' },
  { path: '/v1/messages/count_tokens', api: 'anthropic' },
  { path: '/v1/chat/completions', api: 'openai' },
] as const

it.each([
  ['/v1/v1/messages', 'http://gateway:1, to which they add /v1/messages'],
  ['/messages', 'http://gateway:1, to which they add /v1/messages'],
  ['//v1/messages', 'http://gateway:1, to which they add /v1/messages'],
  ['/v1/messages/', 'http://gateway:1, to which they add /v1/messages'],
  ['/anthropic/v1/messages', 'http://gateway:1, to which they add /v1/messages'],
  ['/v1/v1/messages/count_tokens', 'http://gateway:1, to which they add /v1/messages/count_tokens'],
  ['/chat/completions', 'http://gateway:1/v1, to which they add /chat/completions'],
  ['/v1/v1/chat/completions', 'http://gateway:1/v1, to which they add /chat/completions'],
  ['/api/v1/chat/completions', 'http://gateway:1/v1, to which they add /chat/completions'],
])('%s: the base URL is %s', (path, expected) => {
  expect(baseUrlAdvice(path, 'http://gateway:1', calls)).toContain(`take the base URL ${expected}`)
})

it.each([
  ['/v1/model/us.anthropic.claude-opus-5/invoke', "Amazon Bedrock's SDKs", 'http://gateway:1'],
  [
    '/bedrock/model/claude-opus-5/invoke-with-response-stream',
    'ANTHROPIC_BEDROCK_BASE_URL',
    'http://gateway:1',
  ],
  ['/v1/v1/projects/p/locations/l/publishers/anthropic/models/m:rawPredict', 'Vertex', 'http://gateway:1/v1'],
])('%s: %s take another base URL', (path, clients, expected) => {
  const advice = baseUrlAdvice(path, 'http://gateway:1', calls)
  expect(advice).toContain(clients)
  expect(advice).toMatch(new RegExp(`take the base URL ${expected}$`))
})

it.each(['/', '/v1', '/message', '/v1/messages2', '/api/summary', '/completions', '/favicon.ico'])(
  '%s is near to no call',
  (path) => {
    expect(baseUrlAdvice(path, 'http://gateway:1', calls)).toBeUndefined()
  },
)
