import { createRequest, type ModelRequest } from '@spillway/middleware'
import { jsonBodyFromObject } from '@spillway/middleware/kit'
import { expect, it } from 'vitest'
import { midStreamMode } from './mid-stream.ts'

const asked = (changes: Partial<ModelRequest>): ModelRequest => ({
  ...createRequest({
    ...{ api: 'anthropic', model: 'm', stream: true, url: '/', body: jsonBodyFromObject({}) },
    headers: { 'x-spillway-restart': 'accept' },
  }),
  ...changes,
})

it.each([
  [{ api: 'anthropic' }, 'continue', 'restart'],
  [{ api: 'anthropic', venue: 'vertex' }, 'continue', 'restart'],
  [{ api: 'openai' }, 'continue', 'restart'],
  [{ api: 'responses' }, 'continue', 'restart'],
  // Frames are not spliced.
  [{ api: 'anthropic', venue: 'bedrock' }, 'fail', 'fail'],
] as const)('a stream of %j that breaks off: %s and %s', (form, going, again) => {
  expect([midStreamMode(asked(form), 'continue'), midStreamMode(asked(form), 'restart')]).toEqual([
    going,
    again,
  ])
})
