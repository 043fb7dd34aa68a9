import type { Admission, RedisLimitStore } from '@spillway/rate-limit'
import { memoryLimitStore } from '@spillway/rate-limit'
import { startClaude } from '@spillway/testing'
import { expect, it } from 'vitest'
import { stringify } from 'yaml'
import { configOf, forThisTest, targetAt } from '../../test/gateway.ts'
import { parseConfig } from '../config/load-config.ts'
import type { SharedState } from '../shared-state.ts'
import { Serving } from './serving.ts'

it('limits and circuits of before leave the shared store when their last call has ended', async () => {
  const claude = forThisTest(await startClaude())
  let [limits, listeners] = [0, 0]
  const open = (...args: Parameters<RedisLimitStore['open']>): Admission => {
    limits++
    const admission = memoryLimitStore().open(...args)
    return Object.assign(admission, { close: () => void limits-- })
  }
  const subscribe = () => {
    listeners++
    return () => void listeners--
  }
  const breakers = { subscribe, open: async () => {}, remaining: async () => 0, close() {} }
  const shared = { limits: { open, status: 'shared', onStatus: () => () => {} }, breakers } as unknown
  const at = (version: number) =>
    parseConfig(
      stringify(
        configOf(targetAt(claude, 'anthropic', { timeouts: { idle: `${60 + version}s` } }), undefined, {
          rateLimit: { requestsPerMinute: 100 },
          tenants: { rateLimit: { requestsPerMinute: 100 + version } },
        }),
      ),
      'f',
    ).config
  const serving = new Serving(at(0), {
    resources: { shared: shared as SharedState },
    mirrored: (next) => next,
    onOpened() {},
    log() {},
  })
  serving.route([])
  const before = [limits, listeners]
  for (let version = 1; version <= 20; version++) serving.use(at(version))
  await expect.poll(() => [limits, listeners]).toEqual(before)
  await serving.close()
  expect([limits, listeners]).toEqual([0, 0])
})
