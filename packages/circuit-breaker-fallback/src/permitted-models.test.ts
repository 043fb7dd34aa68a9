import { createRequest, type ModelRequest } from '@spillway/middleware'
import { jsonBodyFromObject } from '@spillway/middleware/kit'
import { virtualClock } from '@spillway/testing'
import { expect, it } from 'vitest'
import { publishedModels } from './permitted-models.ts'

const clock = virtualClock()
const request = (model = 'claude-fable-5', signal?: AbortSignal): ModelRequest =>
  createRequest({
    ...{ api: 'anthropic', model, stream: false, url: '/', clock, signal },
    body: jsonBodyFromObject({ model }),
  })

it('each model is looked up once, and again after a time', async () => {
  const read: string[] = []
  const permitted = publishedModels({
    keepFor: 1_000,
    read: async (path, headers) => {
      read.push(`${path} ${headers['anthropic-beta']}`)
      return { allowed_fallback_models: ['claude-opus-4-8', 7] }
    },
  })
  const beta = 'server-side-fallback-2026-07-01'
  expect(await Promise.all([permitted(request()), permitted(request())])).toEqual(
    Array(2).fill(['claude-opus-4-8']),
  )
  expect(read).toEqual([`/v1/models/claude-fable-5 ${beta}`])
  await permitted(request('a/../b'))
  expect(read[1]).toBe(`/v1/models/a%2F..%2Fb ${beta}`)
  await clock.advance(1_000)
  await permitted(request())
  expect(read).toHaveLength(3)
})

it.each([
  ['fails', () => Promise.reject(new Error('away'))],
  ['says nothing', () => Promise.resolve({})],
  ['is no object', () => Promise.resolve('<html>')],
])('what %s is nobody’s word, and is asked for again sooner', async (_, read) => {
  let asked = 0
  const permitted = publishedModels({
    keepFor: 1_000,
    read: () => {
      asked++
      return read()
    },
  })
  expect(await permitted(request())).toBeUndefined()
  await clock.advance(99)
  await permitted(request())
  expect(asked).toBe(1)
  await clock.advance(1)
  await permitted(request())
  expect(asked).toBe(2)
})

it('a call waits for it so long, or until its caller leaves, and leaves no timer behind', async () => {
  const permitted = publishedModels({ read: () => new Promise(() => {}), maxWait: 50 })
  const late = permitted(request())
  await clock.advance(50)
  expect(await late).toBeUndefined()
  const leaving = new AbortController()
  const left = permitted(request('other', leaving.signal))
  leaving.abort()
  expect(await left).toBeUndefined()
  expect(clock.pending).toBe(0)
})

it('one that does not answer holds the first calls alone, and is heard when it answers after all', async () => {
  let answer: ((body: unknown) => void) | undefined
  let asked = 0
  const permitted = publishedModels({
    keepFor: 1_000,
    maxWait: 50,
    read: () => {
      asked++
      return new Promise((resolve) => {
        answer = resolve
      })
    },
  })
  const first = permitted(request('slow'))
  await clock.advance(50)
  expect(await first).toBeUndefined()
  expect(await permitted(request('slow'))).toBeUndefined()
  answer?.({ allowed_fallback_models: ['claude-opus-4-8'] })
  await clock.advance(0)
  expect(await permitted(request('slow'))).toEqual(['claude-opus-4-8'])
  expect(asked).toBe(1)
  expect(clock.pending).toBe(0)
})
