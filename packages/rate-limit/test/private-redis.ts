import { hasRedis, type PrivateRedis, startRedis } from '@spillway/testing'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe } from 'vitest'

/**
 * Tests with their own Redis, skipped where there is none outside of CI.
 * @param define gets a function for the connection, which is there once the tests run
 */
export function describeWithRedis(name: string, define: (redis: () => Redis) => void): void {
  describe.skipIf(!hasRedis() && !process.env.CI)(name, () => {
    let server: PrivateRedis
    let redis: Redis

    beforeAll(async () => {
      server = await startRedis()
      redis = new Redis(server.url)
      // Each store listens, and there is one for each case.
      redis.setMaxListeners(0)
    })
    afterAll(async () => {
      redis?.disconnect()
      await server?.close()
    })

    define(() => redis)
  })
}
