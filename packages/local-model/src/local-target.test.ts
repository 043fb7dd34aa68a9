import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRequest, jsonBodyFromObject, readBody } from '@spillway/middleware'
import { afterAll, beforeAll, expect, it } from 'vitest'
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
