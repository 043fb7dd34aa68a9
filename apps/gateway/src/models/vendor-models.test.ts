import { virtualClock } from '@spillway/testing'
import { expect, it } from 'vitest'
import type { RunningEndpoint } from '../endpoint.ts'
import { longestWait, VendorModels } from './vendor-models.ts'

const asking = { caller: 'key-1', credential: {} }
const page = (id: string): object => ({ data: [{ type: 'model', id }], has_more: false })

function endpoint(read: () => Promise<unknown>, own = true): RunningEndpoint {
  const readAs = async () => ({ status: 200, value: await read() })
  return { name: 'e', readAs, ...(own && { read }) } as unknown as RunningEndpoint
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

it('asks once at a time, keeps the answer for five minutes, and serves it while it asks again', async () => {
  const clock = virtualClock()
  const vendors = new VendorModels(clock)
  let asked = 0
  const one = endpoint(async () => page(`m${++asked}`))
  const idsOf = async (): Promise<unknown> =>
    (await vendors.of(one, 'anthropic', asking))?.map(({ id }) => id)
  expect(await Promise.all([idsOf(), idsOf(), idsOf()])).toEqual([['m1'], ['m1'], ['m1']])
  await clock.advance(5 * 60_000 - 1)
  expect([await idsOf(), asked]).toEqual([['m1'], 1])
  await clock.advance(2)
  expect(await idsOf()).toEqual(['m1'])
  await turn()
  expect([await idsOf(), asked]).toEqual([['m2'], 2])
})

it('waits for a vendor for a while only, and does not ask one that failed for half a minute', async () => {
  const clock = virtualClock()
  const vendors = new VendorModels(clock)
  let asked = 0
  const slow = endpoint(() => new Promise(() => void asked++))
  const waiting = vendors.of(slow, 'anthropic', asking)
  await clock.advance(longestWait)
  expect(await waiting).toBeUndefined()
  expect(asked).toBe(1)
  const failing = endpoint(() => Promise.reject(new Error(`${++asked}`)))
  expect(await vendors.of(failing, 'anthropic', asking)).toBeUndefined()
  expect(await vendors.of(failing, 'anthropic', asking)).toBeUndefined()
  expect(asked).toBe(2)
  await clock.advance(30_001)
  await vendors.of(failing, 'anthropic', asking)
  expect(asked).toBe(3)
})

it('keeps a bounded number of views where callers bring their keys, each its own', async () => {
  const vendors = new VendorModels(virtualClock())
  let asked = 0
  const one = endpoint(async () => page(`m${++asked}`), false)
  for (let caller = 0; caller < 300; caller++)
    await vendors.of(one, 'anthropic', { ...asking, caller: `key-${caller}` })
  expect(asked).toBe(300)
  await vendors.of(one, 'anthropic', { ...asking, caller: 'key-299' })
  expect(asked).toBe(300)
  await vendors.of(one, 'anthropic', { ...asking, caller: 'key-0' })
  expect(asked).toBe(301)
})
