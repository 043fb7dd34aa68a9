import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { timeouts } from '@spillway/attempt'
import { compose, createRequest } from '@spillway/middleware'
import { jsonBodyFromObject, readBody } from '@spillway/middleware/kit'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { requestOf } from '../test/call-transport.ts'
import { localModel } from './local-target.ts'
import { tinyGguf } from './tiny-gguf.ts'

let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spillway-local-target-'))
  await writeFile(join(directory, 'tiny.gguf'), tinyGguf({ reply: 'Back in a minute.' }))
})

afterAll(() => rm(directory, { recursive: true }))

it('answers a call as the target it is named', async () => {
  await using local = localModel({ name: 'plan-b', modelPath: join(directory, 'tiny.gguf') })
  const json = { model: 'claude-sonnet-5-5', max_tokens: 50, messages: [{ role: 'user', content: 'Hi' }] }
  const response = await local.handler(
    createRequest({
      api: 'anthropic',
      model: 'claude-sonnet-5-5',
      stream: false,
      url: '/v1/messages',
      body: jsonBodyFromObject(json),
    }),
  )
  expect(response).toMatchObject({ status: 200, target: 'plan-b', failure: undefined })
  const answer: unknown = JSON.parse(Buffer.from(await readBody(response.body)).toString())
  expect(answer).toMatchObject({ content: [{ type: 'text', text: 'Back in a minute.' }] })
})

const question = { model: 'claude-sonnet-5-5', max_tokens: 50, messages: [{ role: 'user', content: 'Hi' }] }

it('is unfit for tools, and answers without them where that is asked for', async () => {
  const modelPath = join(directory, 'tiny.gguf')
  const request = requestOf('anthropic', { ...question, tools: [{ name: 'look', input_schema: {} }] })
  await using local = localModel({ modelPath })
  const { status, failure } = await local.handler(request)
  expect([status, failure?.kind, failure?.origin]).toEqual([400, 'unfit', 'spillway'])
  await using willing = localModel({ modelPath, dropTools: true })
  const response = await willing.handler(request)
  expect([response.status, response.headers['x-spillway-degraded']]).toEqual([200, 'tools'])
  await readBody(response.body)
})

it.each(['anthropic', 'openai'] as const)('is unfit for a prompt beyond its context (%s)', async (api) => {
  await using local = localModel({ modelPath: join(directory, 'tiny.gguf'), contextSize: 512 })
  const request = requestOf(api, { ...question, messages: [{ role: 'user', content: 'x'.repeat(2000) }] })
  const { status, body, failure } = await local.handler(request)
  expect(status).toBe(400)
  expect(failure).toMatchObject({ kind: 'unfit', origin: 'spillway', retryable: false })
  const { error } = JSON.parse(Buffer.from(await readBody(body)).toString())
  expect(error).toMatchObject(
    api === 'anthropic'
      ? {
          type: 'invalid_request_error',
          message: expect.stringMatching(/^prompt is too long: \d+ tokens > 509 maximum/),
        }
      : {
          type: 'invalid_request_error',
          code: 'context_length_exceeded',
          message: expect.stringMatching(
            /^This model's maximum context length is 509 tokens, .* \d+ tokens\.$/,
          ),
        },
  )
})

it('says of a timeout that it is not worth a retry', async () => {
  await using local = localModel({ modelPath: join(directory, 'tiny.gguf'), contextSize: 512 })
  const hurried = compose([timeouts({ attempt: 0 })], local.handler)
  const { failure } = await hurried(requestOf('anthropic', question))
  expect(failure).toMatchObject({ kind: 'timeout', retryable: false })
})

it.each([
  ['parallel', 0],
  ['maxQueued', -1],
  ['contextSize', 1.5],
])('refuses %s: %d', (name, value) => {
  expect(() => localModel({ modelPath: 'a.gguf', [name]: value })).toThrow(
    new RegExp(`^localModel\\.${name} must be a whole number of \\d or more, but is ${value}$`),
  )
})
