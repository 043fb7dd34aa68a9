import type { Handler } from '@spillway/middleware'
import { describe, expect, test } from 'vitest'
import { createRouter } from './router.ts'

const call = { api: 'anthropic', operation: 'generate' } as const
const handler: Handler = () => Promise.reject(new Error('not called'))
const other: Handler = () => Promise.reject(new Error('not called'))

describe('a glob', () => {
  test.each([
    ['claude-opus-5-5', 'claude-opus-5-5', true],
    ['claude-opus-5-5', 'claude-opus-5-5-fast', false],
    ['claude-*', 'claude-', true],
    ['claude-*', 'a-claude-x', false],
    ['*', 'anything at all\nover lines', true],
    ['*haiku*', 'claude-haiku-5-5', true],
    ['anthropic/claude-*.5', 'anthropic/claude-opus-5.5', true],
    ['anthropic/claude-*.5', 'anthropic/claude-opus-5-5', false],
    ['claude-(opus|haiku)', 'claude-opus', false],
    ['claude-(opus|haiku)', 'claude-(opus|haiku)', true],
    ['Claude-*', 'claude-opus', false],
  ])('%s matches %j: %s', (models, model, matches) => {
    const route = createRouter([{ models, handlers: { anthropic: handler } }])
    expect(route(call, model) === handler).toBe(matches)
  })

  test('with many stars is matched in no time', () => {
    const route = createRouter([{ models: '*a*a*a*', handlers: { anthropic: handler } }])
    const startedAt = performance.now()
    route(call, 'a'.repeat(2) + 'b'.repeat(2_000))
    expect(performance.now() - startedAt).toBeLessThan(1_000)
  })
})

test('the first route that matches wins', () => {
  const route = createRouter([
    { models: 'claude-opus-*', handlers: { anthropic: handler } },
    { models: '*', handlers: { anthropic: other } },
  ])
  expect(route(call, 'claude-opus-5-5')).toBe(handler)
  expect(route(call, 'claude-haiku-5-5')).toBe(other)
})

test('a model that no route serves is not found, and is told which there are', () => {
  const route = createRouter([{ models: 'claude-*', handlers: { anthropic: handler } }])
  expect(route(call, 'gpt-5')).toMatchObject({
    kind: 'not_found',
    origin: 'spillway',
    message: expect.stringContaining('there are routes for claude-*'),
  })
})

test('a route without a target that speaks the protocol is an invalid request, not a later route', () => {
  const route = createRouter([
    { models: 'claude-*', handlers: { openai: handler } },
    { models: '*', handlers: { anthropic: other } },
  ])
  expect(route(call, 'claude-opus-5-5')).toMatchObject({ kind: 'invalid_request' })
})
