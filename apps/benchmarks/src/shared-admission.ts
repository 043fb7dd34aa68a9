/**
 * What it costs to ask a Redis for an admission that several processes share, and to settle it: latency and throughput,
 * beside other libraries, in one run over a redis-server of its own.
 * `pnpm bench shared-admission`
 */

import { redisLimitStore } from '@spillway/rate-limit'
import { hasRedis, startRedis } from '@spillway/testing'
import Bottleneck from 'bottleneck'
import { Redis } from 'ioredis'
import { RateLimiterRedis } from 'rate-limiter-flexible'
import { checkOption } from './check-option.ts'
import { median } from './measure.ts'

checkOption(
  'shared-admission',
  'Measures latency and throughput of an admission that processes share over Redis, beside other libraries. It has no bound.',
)

interface Way {
  readonly name: string
  /** One admission and what gives it back. */
  call(): Promise<void>
}

interface Figures {
  readonly median: number
  readonly p99: number
  readonly perSecond: number
}

const rounds = 7
/** More than is ever reached, so that everybody has room for every call. */
const plenty = 1_000_000_000
const cost = { inputTokens: 100, outputTokens: 50 }
const actual = { inputTokens: 90, outputTokens: 70 }

if (!hasRedis()) {
  console.error('redis-server is not installed; on Debian: apt-get install redis-server')
  process.exit(2)
}
await using server = await startRedis()
const clients = Array.from({ length: 4 }, () => new Redis(server.url))
const [forOne, forFour, forFlexible] = clients as [Redis, Redis, Redis]

function spillway(
  redis: Redis,
  name: string,
  limits: Parameters<ReturnType<typeof redisLimitStore>['open']>[1],
): Way {
  const shared = redisLimitStore(redis).open(name, limits)
  return {
    name,
    async call() {
      const lease = await shared.tryAcquire(cost, performance.now())
      if (lease === undefined) throw new Error(`${name} did not admit a call`)
      lease.settle(actual, performance.now())
    },
  }
}

const flexible = new RateLimiterRedis({ storeClient: forFlexible, points: plenty, duration: 60 })
const connection = new Bottleneck.IORedisConnection({ client: new Redis(server.url), Redis })
const bottleneck = new Bottleneck({
  ...{ id: '{bench}', datastore: 'ioredis', connection, maxConcurrent: 100_000 },
  ...{ reservoir: plenty, reservoirRefreshAmount: plenty, reservoirRefreshInterval: 60_000 },
})
bottleneck.on('error', (error) => console.error(error))
await bottleneck.ready()

const ways: readonly Way[] = [
  spillway(forOne, 'spillway, 1 limit', { requestsPerMinute: plenty }),
  spillway(forFour, 'spillway, 4 limits', {
    ...{ requestsPerMinute: plenty, inputTokensPerMinute: plenty, outputTokensPerMinute: plenty },
    concurrency: 100_000,
  }),
  {
    name: 'rate-limiter-flexible, 1 limit',
    async call() {
      await flexible.consume('key')
    },
  },
  { name: 'bottleneck, 2 limits', call: () => bottleneck.schedule(async () => {}) },
]

async function measure({ call }: Way, callers: number, calls: number): Promise<Figures> {
  const took: number[] = []
  let left = calls
  const begun = performance.now()
  const work = async (): Promise<void> => {
    while (left-- > 0) {
      const from = performance.now()
      await call()
      took.push(performance.now() - from)
    }
  }
  await Promise.all(Array.from({ length: callers }, work))
  const perSecond = (calls / (performance.now() - begun)) * 1_000
  took.sort((a, b) => a - b)
  return { median: median(took), p99: took[Math.floor(took.length * 0.99)] as number, perSecond }
}

console.log(`Node ${process.version}; one redis-server on loopback; medians of ${rounds} interleaved rounds`)
for (const callers of [1, 64]) {
  const calls = callers === 1 ? 200 : 1_000
  const seen = new Map(ways.map(({ name }) => [name, [] as Figures[]]))
  for (let round = -1; round < rounds; round++) {
    for (let turn = 0; turn < ways.length; turn++) {
      const way = ways[(turn + round + 1) % ways.length] as Way
      const figures = await measure(way, callers, calls)
      if (round >= 0) seen.get(way.name)?.push(figures)
    }
  }
  console.log(
    `\n${callers} at a time               median ms   p99 ms   admissions/s  latency against spillway, 1 limit`,
  )
  const middle = (name: string, of: keyof Figures): number =>
    median((seen.get(name) as Figures[]).map((figures) => figures[of]))
  const own = middle((ways[0] as Way).name, 'median')
  for (const { name } of ways) {
    const cells = [
      middle(name, 'median').toFixed(3).padStart(9),
      middle(name, 'p99').toFixed(3).padStart(9),
      middle(name, 'perSecond').toFixed(0).padStart(10),
      `${(middle(name, 'median') / own).toFixed(2)}x`.padStart(9),
    ]
    console.log(`  ${name.padEnd(32)}${cells.join(' ')}`)
  }
}

await bottleneck.disconnect(false)
for (const client of clients) client.disconnect()
