import { expect, it } from 'vitest'
import { wordedFor } from './error-words.ts'

const failure = (message: string): Parameters<typeof wordedFor>[1] => ({
  ...{ kind: 'invalid_request', message, retryable: false, scope: 'request', origin: 'upstream' },
})

it.each([
  'Input length 131393 exceeds the maximum allowed input length of 131040 tokens.',
  'Input length 203743 exceeds the maximum length 202752',
  'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).',
  'The decoder prompt (length 10127) is longer than the maximum model length of 8192.',
  'The prompt (total length 25938) is too long to fit into the model (context length 4096).',
  "The input (5000 tokens) is longer than the model's context length (4096 tokens).",
  "This model's maximum prompt length is 131072 but the request contains 140000 tokens.",
  'Input is too long for requested model.',
])('a prompt that is too long is one for clients of both protocols: %s', (message) => {
  expect(wordedFor('anthropic', failure(message)).message).toBe(`prompt is too long: ${message}`)
  expect(wordedFor('openai', failure(message)).message).toBe(
    `this exceeds the model's maximum context length: ${message}`,
  )
})

it.each([
  'max_tokens exceeds the maximum of 8192',
  'image exceeds the maximum size',
  'The file name is too long',
])('what is no prompt that is too long keeps its words: %s', (message) => {
  expect(wordedFor('anthropic', failure(message)).message).toBe(message)
  expect(wordedFor('openai', failure(message)).message).toBe(message)
})
