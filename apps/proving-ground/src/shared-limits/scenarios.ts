import { setTimeout as delay } from 'node:timers/promises'
import { type PrivateRedis, startRedis } from '@spillway/testing'
import { mostInAMinute, perMinute } from './figures.ts'
import { startWork, type WorkerOptions } from './work.ts'

export interface RunOptions {
  /** How many times as fast as the real time. */
  readonly speed: number
  /** Options of node for the processes. */
  readonly execArgv?: readonly string[]
  readonly progress?: (text: string) => void
}

/** One figure and whether it is as it should be. */
export interface Figure {
  readonly what: string
  readonly seen: string
  readonly target: string
  readonly holds: boolean
}

const processes = 4
const limit = 600

function options(redis: PrivateRedis, { speed }: RunOptions): WorkerOptions {
  return {
    redis: redis.url,
    speed,
    limits: { requestsPerMinute: limit },
    perMinute: (5 * limit) / processes,
    holdMs: 100,
    maxWait: 30_000,
    lease: 15_000,
  }
}

/** Four processes with five times the load: between 0.98 N and 1.02 N calls pass in each minute. */
export async function holdsTheLimit(run: RunOptions, minutes = 3): Promise<Figure[]> {
  await using redis = await startRedis()
  const work = await startWork(processes, options(redis, run), run.execArgv)
  const begun = Date.now()
  for (let minute = 1; minute <= minutes; minute++) {
    run.progress?.(`five times the load, minute ${minute} of ${minutes}`)
    await delay(60_000 / run.speed)
  }
  const until = begun * run.speed + minutes * 60_000
  await work.stop()
  const most = mostInAMinute(work.admitted)
  const counts = perMinute(work.admitted, until + 1_000)
  return [
    {
      what: `the most admitted in any 60 s, ${processes} processes, five times the load`,
      seen: String(most),
      target: `at most ${1.02 * limit}`,
      holds: most <= 1.02 * limit,
    },
    {
      what: 'admitted in each minute',
      seen: counts.join(', '),
      target: `at least ${0.98 * limit} each`,
      holds: counts.length >= minutes - 1 && counts.every((count) => count >= 0.98 * limit),
    },
    onlySaturated(work.refused),
  ]
}

/** Redis is killed with all its data and started again, under five times the load. */
export async function survivesARestart(run: RunOptions): Promise<Figure[]> {
  await using redis = await startRedis()
  const work = await startWork(processes, options(redis, run), run.execArgv)
  const phase = async (text: string, ms: number): Promise<void> => {
    run.progress?.(text)
    await delay(ms / run.speed)
  }
  await phase('before Redis stops', 90_000)
  await redis.stop()
  await phase('without Redis', 60_000)
  await redis.start()
  const back = Date.now()
  await phase('with Redis again', 120_000)
  await work.stop()
  const most = mostInAMinute(work.admitted)
  const sharedAgain = work.processes.flatMap((_, index) => {
    const mine = work.statuses.filter(({ process, at }) => process === index && at >= back)
    // Later ones tell of a Redis that was slow, not of this restart.
    return mine.filter(({ status }) => status === 'shared').slice(0, 1)
  })
  const latest = Math.max(...sharedAgain.map(({ at }) => at - back))
  return [
    onlySaturated(work.refused),
    {
      what: 'the most admitted in any 60 s, Redis killed with its data and started again 60 s later',
      seen: String(most),
      target: `at most ${1.02 * limit}`,
      holds: most <= 1.02 * limit,
    },
    {
      what: 'the limit is shared again, for the last process, after',
      seen: `${latest} ms`,
      target: 'at most 2000 ms, all processes',
      holds: sharedAgain.length >= processes && latest <= 2_000,
    },
  ]
}

/** With less load than the limit and Redis killed in the middle, every call passes. */
export async function losesNoCall(run: RunOptions): Promise<Figure[]> {
  await using redis = await startRedis()
  const usual = options(redis, run)
  const work = await startWork(processes, { ...usual, perMinute: (0.9 * limit) / processes }, run.execArgv)
  run.progress?.('nine tenths of the load, Redis stops in the middle')
  await delay(30_000 / run.speed)
  await redis.stop()
  await delay(20_000 / run.speed)
  await redis.start()
  await delay(30_000 / run.speed)
  await work.stop()
  const refused = [...work.refused.values()].reduce((sum, count) => sum + count, 0)
  return [
    {
      what: 'calls refused under 0.9 of the load, Redis stopped and started in the middle',
      seen: `${refused} of ${work.admitted.length + refused}`,
      target: '0',
      holds: refused === 0,
    },
  ]
}

/** One of the processes is killed while it holds places: the others have them after a lease at most. */
export async function outlivesAProcess(run: RunOptions): Promise<Figure[]> {
  await using redis = await startRedis()
  const lease = 15_000
  const concurrency = 16
  // Calls that never end hold all places; only when the dead one's expire do others get them.
  const held = { ...options(redis, run), limits: { concurrency }, holdMs: 1e9, maxWait: 600_000, lease }
  const work = await startWork(processes, { ...held, perMinute: 600 }, run.execArgv)
  run.progress?.('all places taken, one process is killed')
  while (work.admitted.length < concurrency) await delay(10)
  await delay(2_000 / run.speed)
  const before = work.admitted.length
  const victim = work.processes[work.admittedBy.indexOf(Math.max(...work.admittedBy))]
  const killedAt = Date.now()
  victim?.kill('SIGKILL')
  await delay((lease + 5_000) / run.speed)
  // In fast time a busy machine takes longer than the places do.
  for (let patience = 0; patience < 200 && run.speed > 1 && work.admitted.length === before; patience++)
    await delay(100)
  await work.stop()
  const regained = work.admitted.slice(before)
  const after = Math.max(...regained) - killedAt * run.speed
  return [
    {
      what: `kill -9 of one of ${processes} processes: others have its places of ${concurrency} after`,
      seen: regained.length === 0 ? 'never' : `${(after / 1000).toFixed(1)} s, ${regained.length} places`,
      target: `at most the lease, ${lease / 1000} s (and a poll)`,
      holds: regained.length > 0 && (run.speed > 1 || after <= lease + 700),
    },
  ]
}

function onlySaturated(refused: ReadonlyMap<string, number>): Figure {
  const others = [...refused].filter(([kind]) => kind !== 'saturated')
  return {
    what: 'calls that failed for another reason than the limit itself',
    seen: others.length === 0 ? '0' : others.map(([kind, count]) => `${count} ${kind}`).join(', '),
    target: '0',
    holds: others.length === 0,
  }
}
