import { transportCases } from '@spillway/testing'
import { describe, it, onTestFinished } from 'vitest'
import { ConnectionPool, poolSettings } from './connection-pool.ts'
import { endpointFence, placeAt, undiciTransport } from './undici-transport.ts'

describe('a transport over undici', () => {
  const open: Parameters<typeof transportCases>[0] = (url) => {
    const pool = new ConnectionPool(poolSettings())
    onTestFinished(() => pool.close())
    return undiciTransport(pool, placeAt(url), endpointFence('anthropic', undefined))
  }
  for (const { name, run } of transportCases(open)) it(name, run)
})
