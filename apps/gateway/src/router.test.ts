import type { Handler } from '@spillway/middleware'
import { describe, expect, it } from 'vitest'
import { createRouter } from './router.ts'

const handler: Handler = () => Promise.reject(new Error('not called'))
const other: Handler = () => Promise.reject(new Error('not called'))

describe('a glob', () => {
  it.each([
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
    const route = createRouter([{ models, handler }])
    expect('handler' in route(model)).toBe(matches)
  })

  it('with many stars is matched in no time', () => {
    const route = createRouter([{ models: '*a*a*a*', handler }])
    const startedAt = performance.now()
    route('a'.repeat(2) + 'b'.repeat(2_000))
    expect(performance.now() - startedAt).toBeLessThan(1_000)
  })
})

it('the first route that matches wins', () => {
  const route = createRouter([
    { models: 'claude-opus-*', handler },
    { models: '*', handler: other },
  ])
  expect(route('claude-opus-5-5')).toMatchObject({ handler })
  expect(route('claude-haiku-5-5')).toMatchObject({ handler: other })
})

it('a model that no route serves is not found, and is told which there are', () => {
  const route = createRouter([{ models: 'claude-*', handler }])
  expect(route('gpt-5')).toMatchObject({
    kind: 'not_found',
    origin: 'spillway',
    message: expect.stringContaining('there are routes for claude-*'),
  })
})

it('a model of two names is served by the first route that matches either', () => {
  const route = createRouter([
    { models: 'claude-opus-*', handler },
    { models: '*', handler: other },
  ])
  expect(route('claude-opus-5', 'us.anthropic.claude-opus-5')).toMatchObject({ handler })
  expect(
    createRouter([{ models: 'us.*', handler }])('claude-opus-5', 'us.anthropic.claude-opus-5'),
  ).toMatchObject({ handler })
  expect(
    createRouter([{ models: 'gpt-*', handler }])('claude-opus-5', 'us.anthropic.claude-opus-5'),
  ).toMatchObject({
    message: expect.stringContaining('us.anthropic.claude-opus-5'),
  })
})
