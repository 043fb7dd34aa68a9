import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { fakeEndpoint } from '../test/fake-endpoint.ts'
import { Conversations } from './conversations.ts'
import { createEndpoints } from './endpoint.ts'
import { readOptions } from './options.ts'

it('conversations that callers invent, and that had to move, hold a bounded and small part of the memory', () => {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  const held = (): number => {
    gc()
    return process.memoryUsage().heapUsed
  }
  const { handler } = fakeEndpoint()
  const list = ['a', 'b'].map((name) => ({ name, handler }))
  const endpoints = createEndpoints(list, readOptions(list, {}))
  const { affinity } = readOptions(list, {})
  const most = affinity ? affinity.maxConversations : 0
  const conversations = new Conversations(endpoints, most)
  // As it comes from a hash of the prompt: a string of its own with each request.
  const keyOf = (index: number): string => Buffer.from(`prompt${10_000 + index}`).toString()
  const move = (index: number): void => {
    const key = keyOf(index)
    const home = conversations.placeOf(key)
    conversations.settle(key, endpoints.find((endpoint) => endpoint !== home) as (typeof endpoints)[0])
  }
  move(0)
  const before = held()
  for (let index = 1; index < 2 * most; index++) move(index)
  const full = held()
  // One of them may share its hash with another one.
  expect(conversations.size).toBeGreaterThan(most - 5)
  // About 80 bytes for each of 25,000.
  expect(full - before).toBeLessThan(2.5 * 2 ** 20)
})
