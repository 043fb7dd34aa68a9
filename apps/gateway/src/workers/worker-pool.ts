import type { Clock } from '@spillway/middleware'
import type { CancelTimer } from '@spillway/middleware/kit'
import type { Config } from '../config/config.ts'
import { type Backoff, createBackoff } from './backoff.ts'
import type { ChannelErrorCode } from './channel-error.ts'
import { watchForHang } from './hang-watch.ts'
import * as orders from './orders.ts'
import { usualDrain } from './usual-drain.ts'
import type { WorkerProcess } from './worker-process.ts'

export interface PoolOptions {
  readonly config: Config
  readonly count: number
  readonly fork: (id: number) => WorkerProcess
  readonly orderOf: (seat: SeatOrder) => orders.WorkerOrder
  /** That to listen at; 0 picks a free one, at which all listen. */
  readonly portOf: (config: Config) => number
  /** A worker was forked: whoever has something to tell it or to answer it may do so from now on. */
  readonly onFork?: ((worker: WorkerProcess) => void) | undefined
  /** One has ended. */
  readonly onEnd?: ((worker: WorkerProcess) => void) | undefined
  readonly clock: Clock
  /** What the operator should know. */
  readonly warn: (line: string) => void
  readonly info: (line: string) => void
  /** What one that ends has served. */
  readonly served: (worker: WorkerProcess, served: orders.Served) => void
  /** None serves, and none can be started. */
  readonly giveUp: (why: string) => void
}

export interface SeatOrder {
  readonly id: number
  readonly count: number
  readonly config: Config
  readonly port: number
}

/** Processes that serve as one gateway, each replaced when it ends. */
export interface WorkerPool {
  /** Starts the first one, and the others when that one listens. @throws what the first one that fails has thrown */
  open(): Promise<void>
  /** All go on with another configuration, or none. @throws what the first one has thrown; then nothing has changed */
  reload(config: Config, subject: string): Promise<void>
  /** Replaces all, one after another. @throws where the first one cannot be started; then nothing has changed */
  roll(config: Config): Promise<void>
  /** As many as this. */
  resize(count: number): Promise<void>
  /** Ends all; a second call may only shorten the drain. Never rejects. */
  close(drain: number, delay: number): Promise<void>
  /** Those that serve, by their numbers. */
  readonly serving: readonly WorkerProcess[]
  /** The same, and those that have served and end their calls. */
  readonly counting: readonly WorkerProcess[]
  readonly view: orders.WorkersView
  /** Where they listen. */
  readonly url: string
}

/** How long one may take until it listens, in milliseconds: a vault or a model may be slow to open. */
const startsWithin = 120_000

/** How long one may take to go on with another configuration, in milliseconds. */
const reloadsWithin = 60_000

/** How long one may take to close what it has open when its calls have ended, in milliseconds. Then it is killed. */
const closesWithin = 30_000

/** Tries in a row after which a gateway without any worker ends. */
const mostTries = 5

/** One that serves, or has. */
interface Member {
  readonly process: WorkerProcess
  readonly config: Config
  readonly url: string
  readonly since: number
  /** Its end is no news: it was told to, or is replaced already. */
  isExpected: boolean
}

interface Slot {
  readonly id: number
  readonly backoff: Backoff
  member: Member | undefined
  isStarting: boolean
  cancel: CancelTimer
}

export function createWorkerPool(options: PoolOptions): WorkerPool {
  const { fork, orderOf, clock, warn, info } = options
  let { config, count } = options
  const slots = new Map<number, Slot>()
  /** All that have not ended, those that start or drain too. */
  const processes = new Set<WorkerProcess>()
  const counting = new Set<WorkerProcess>()
  let restarts = 0
  let isClosing = false
  let url = ''
  /** The port that was free at the start, from when on none of those that listened at it is left. */
  let foundPort: number | undefined

  const members = (): Member[] => [...slots.values()].flatMap(({ member }) => member ?? [])
  const view = (): orders.WorkersView => ({ running: members().length, wanted: count, restarts })
  const tellView = (): void => {
    for (const { channel } of processes) channel.tell(orders.workersAre, view())
  }

  /** As long as one listens at a port that was free, the others get it by asking for a free one as well. */
  const portFor = (asked: number): number => {
    if (asked !== 0 || url === '') return asked
    if (members().length === 0) foundPort ??= Number(new URL(url).port)
    return foundPort ?? asked
  }

  const start = async (id: number): Promise<Member> => {
    const startedWith = config
    const process = fork(id)
    processes.add(process)
    void process.exited.then(() => {
      processes.delete(process)
      counting.delete(process)
      options.onEnd?.(process)
    })
    options.onFork?.(process)
    try {
      const port = portFor(options.portOf(startedWith))
      const order = orderOf({ id, count, config: startedWith, port })
      const serving = await process.channel.ask(orders.serve, order, { deadline: startsWithin })
      if (port === 0 && url !== '' && serving.url !== url)
        throw new Error(`worker ${id} listens at ${serving.url}, where the others did at ${url}`)
      return { process, config: startedWith, url: serving.url, since: clock.now(), isExpected: false }
    } catch (error) {
      process.kill()
      const how = await process.exited
      const closed: ChannelErrorCode = 'channel_closed'
      if ((error as NodeJS.ErrnoException).code !== closed) throw error
      throw new Error(`worker ${id} has ended before it listened (${how})`)
    }
  }

  /** Takes a worker's place for one that listens. */
  const seat = (slot: Slot, member: Member): void => {
    const before = slot.member
    slot.member = member
    url = member.url
    const { process } = member
    counting.add(process)
    const stopWatch = watchForHang({
      channel: process.channel,
      clock,
      onHang(after) {
        warn(`worker ${slot.id} (pid ${process.pid}) has not answered for ${after / 1_000} s and is killed`)
        process.kill()
      },
    })
    process.channel.hear(orders.leaving, ({ why }) => {
      if (isClosing || member.isExpected || slot.member !== member) return
      member.isExpected = true
      slot.member = undefined
      warn(
        `worker ${slot.id} (pid ${process.pid}) ends its calls and then itself (${why}): another one starts`,
      )
      tellView()
      restart(slot, 0)
    })
    void process.exited.then((how) => {
      stopWatch()
      if (slot.member === member) slot.member = undefined
      if (member.isExpected || isClosing) return
      const wait = slot.backoff.next(clock.now() - member.since)
      warn(
        `worker ${slot.id} (pid ${process.pid}) has ended (${how}): its calls are cut, and another one starts in ${wait / 1_000} s`,
      )
      tellView()
      restart(slot, wait)
    })
    if (before !== undefined) void retire(before)
    tellView()
  }

  const restart = (slot: Slot, wait: number): void => {
    slot.cancel()
    slot.cancel = clock.setTimer(wait, () => {
      if (isClosing || slot.isStarting || slot.member !== undefined || slots.get(slot.id) !== slot) return
      slot.isStarting = true
      void start(slot.id)
        .then(
          (member) => {
            restarts++
            seat(slot, member)
            info(`worker ${slot.id} (pid ${member.process.pid}) serves in its place`)
            return catchUp(slot, member)
          },
          (error: unknown) => failed(slot, error as Error),
        )
        .finally(() => {
          slot.isStarting = false
        })
    })
  }

  const failed = (slot: Slot, { message }: Error): void => {
    if (isClosing) return
    const next = slot.backoff.next(0)
    if (members().length === 0 && slot.backoff.failures >= mostTries)
      return options.giveUp(`no worker serves, and none can be started: ${message}`)
    warn(`worker ${slot.id} could not be started, the next try is in ${next / 1_000} s: ${message}`)
    restart(slot, next)
  }

  /** The configuration may have changed while it was starting. */
  const catchUp = async (slot: Slot, member: Member): Promise<void> => {
    if (member.config === config || isClosing) return
    await take(slot, member, config, 'configuration')
  }

  /** One that does not take a configuration which another one has taken is replaced. */
  const take = async (slot: Slot, { process }: Member, next: Config, subject: string): Promise<void> => {
    try {
      await process.channel.ask(orders.reload, { config: next, subject }, { deadline: reloadsWithin })
    } catch (error) {
      if (process.hasExited || isClosing) return
      warn(`worker ${slot.id} has not taken the configuration and is replaced: ${(error as Error).message}`)
      await replace(slot).catch((failure: Error) => warn(failure.message))
    }
  }

  const replace = async (slot: Slot): Promise<void> => {
    slot.isStarting = true
    try {
      const member = await start(slot.id)
      seat(slot, member)
    } finally {
      slot.isStarting = false
      // It may have ended meanwhile.
      if (slot.member === undefined && !isClosing) restart(slot, slot.backoff.next(0))
    }
  }

  const end = async (process: WorkerProcess, closing: orders.Closing): Promise<void> => {
    const deadline = Math.min(closing.drain + closing.delay + closesWithin, 0x7fff_ffff)
    try {
      options.served(process, await process.channel.ask(orders.close, closing, { deadline }))
    } catch {
      // It has ended before it could answer, or does not any more.
      process.kill()
    }
    const cancel = clock.setTimer(closesWithin, () => process.kill())
    await process.exited
    cancel()
  }

  const retire = async (member: Member): Promise<void> => {
    member.isExpected = true
    const { drainFor: drain = usualDrain } = member.config.server
    await end(member.process, { drain, delay: 0, isReplaced: true })
  }

  const open = (id: number): Slot => {
    const slot = { id, backoff: createBackoff(), member: undefined, isStarting: false, cancel: () => {} }
    slots.set(id, slot)
    return slot
  }

  const fill = async (): Promise<void> => {
    const missing = Array.from({ length: count }, (_, index) => index + 1).filter((id) => !slots.has(id))
    await Promise.all(
      missing.map(async (id) => {
        const member = await start(id)
        seat(open(id), member)
      }),
    )
  }

  return {
    async open() {
      seat(open(1), await start(1))
      await fill()
    },
    async reload(next, subject) {
      const [first, ...others] = [...slots.values()].filter(({ member }) => member !== undefined)
      if (first?.member !== undefined) {
        const { channel } = first.member.process
        await channel.ask(orders.reload, { config: next, subject }, { deadline: reloadsWithin })
      }
      config = next
      await Promise.all(others.map((slot) => slot.member && take(slot, slot.member, next, subject)))
    },
    async roll(next) {
      const before = config
      config = next
      let isFirst = true
      for (const slot of slots.values()) {
        if (isClosing) return
        try {
          await replace(slot)
        } catch (error) {
          if (isFirst) config = before
          throw error
        }
        isFirst = false
      }
    },
    async resize(next) {
      count = next
      await fill()
      for (const slot of [...slots.values()]) {
        if (slot.id <= count) continue
        slots.delete(slot.id)
        slot.cancel()
        if (slot.member !== undefined) void retire(slot.member)
      }
      tellView()
    },
    async close(drain, delay) {
      isClosing = true
      for (const slot of slots.values()) slot.cancel()
      await Promise.all([...processes].map((process) => end(process, { drain, delay, isReplaced: false })))
    },
    get counting() {
      return [...counting]
    },
    get serving() {
      return members().map(({ process }) => process)
    },
    get view() {
      return view()
    },
    get url() {
      return url
    },
  }
}
