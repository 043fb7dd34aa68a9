import { type Clock, sleep, systemClock } from '@spillway/middleware'
import { backgroundClock, type CancelTimer, guardListener } from '@spillway/middleware/kit'
import type { LedgerStore } from './store.ts'

export interface RetentionOptions {
  readonly store: Pick<LedgerStore, 'pruneCalls' | 'pruneSums' | 'audit'>
  /**
   * How long calls and attempts are kept one by one, in milliseconds.
   * @default Infinity
   */
  readonly calls?: number | undefined
  /**
   * How many calls are kept one by one, whatever their age.
   * @default Infinity
   */
  readonly maxCalls?: number | undefined
  /**
   * How long the sums are kept that views and bills are read from, in milliseconds.
   * @default Infinity
   */
  readonly sums?: number | undefined
  /**
   * How long sums by the minute are kept, in milliseconds; then there are those by the hour.
   * @default Infinity
   */
  readonly minutes?: number | undefined
  /**
   * Rows of sums of each kind that are kept by the minute, by the hour and by the day, whatever their age; about so many.
   * @default Infinity
   */
  readonly maxSums?: number | undefined
  /**
   * How long entries of the audit log are kept, in milliseconds.
   * @default Infinity
   */
  readonly audit?: number | undefined
  /**
   * Milliseconds between two rounds; the first one comes after five seconds, if not sooner.
   * @default 3600000
   */
  readonly every?: number
  /** Gets the error of a scheduled round. @default no listener */
  readonly onError?: ((error: unknown) => void) | undefined
  readonly clock?: Clock | undefined
}

/** The defaults of {@link RetentionOptions}. */
export const retentionDefaults: Readonly<
  Record<'calls' | 'maxCalls' | 'sums' | 'minutes' | 'maxSums' | 'audit' | 'every', number>
> = {
  calls: Infinity,
  maxCalls: Infinity,
  sums: Infinity,
  minutes: Infinity,
  maxSums: Infinity,
  audit: Infinity,
  every: 3_600_000,
}

/** Rows that have gone. */
export interface Pruned {
  /** Calls and attempts. */
  readonly calls: number
  readonly sums: number
  readonly audit: number
}

/** Removes what has been kept long enough, round after round. */
export interface Retention {
  /** A round now. @throws the database's error */
  run(): Promise<Pruned>
  /** Resolves when nothing is removed any more. */
  close(): Promise<void>
}

/** Rows in one statement: it takes some tens of milliseconds, and the next batch of calls waits for no longer. */
const batch = 500
/** Entries of the audit log are deleted in one go with the mark that signs it off. */
const auditBatch = 5000
/** Milliseconds before the first round: a process that is started often must not miss it. */
const beforeFirst = 5000
/** Milliseconds between two steps, for others who want to write. */
const pause = 20

/**
 * Keeps a store within limits, in small steps behind everybody's back. A database that is unavailable is asked again in the next
 * round. Several processes may do this on one database.
 * @throws RangeError for limits below 0
 */
export function startRetention(options: RetentionOptions): Retention {
  const { store, clock = systemClock } = options
  // A round that is to come keeps no process alive.
  const rounds = options.clock ?? backgroundClock
  const set = {
    calls: options.calls ?? retentionDefaults.calls,
    maxCalls: options.maxCalls ?? retentionDefaults.maxCalls,
    sums: options.sums ?? retentionDefaults.sums,
    minutes: options.minutes ?? retentionDefaults.minutes,
    maxSums: options.maxSums ?? retentionDefaults.maxSums,
    audit: options.audit ?? retentionDefaults.audit,
    every: options.every ?? retentionDefaults.every,
  }
  for (const name of Object.keys(set) as (keyof typeof set)[])
    if (!(set[name] >= 0)) throw new RangeError(`retention.${name} must be 0 or more, but is ${set[name]}`)
  const onError = guardListener('retention.onError', options.onError ?? (() => {}))
  const closing = new AbortController()
  let running: Promise<Pruned> | undefined
  let cancel: CancelTimer | undefined

  /** Steps until there is nothing left to go. */
  const all = async (step: () => Promise<number>): Promise<number> => {
    let removed = 0
    while (!closing.signal.aborted) {
      const count = await step()
      removed += count
      if (count === 0) break
      await sleep(clock, pause, closing.signal).catch(() => {})
    }
    return removed
  }
  const round = async (): Promise<Pruned> => {
    const now = clock.epoch()
    const limits = { before: now - set.calls, keep: set.maxCalls }
    const by = () => ({ id: crypto.randomUUID(), at: Math.round(clock.epoch()), actor: 'retention' })
    return {
      calls: isAny(set.calls, set.maxCalls) ? await all(() => store.pruneCalls(limits, batch)) : 0,
      sums: isAny(set.sums, set.minutes, set.maxSums)
        ? await all(() =>
            store.pruneSums({
              before: Math.max(0, now - set.sums),
              minutesBefore: Math.max(0, now - set.minutes),
              keep: set.maxSums,
            }),
          )
        : 0,
      audit:
        set.audit === Infinity ? 0 : await all(() => store.audit.prune(now - set.audit, by(), auditBatch)),
    }
  }
  const run = (): Promise<Pruned> => {
    running ??= round().finally(() => {
      running = undefined
    })
    return running
  }
  const schedule = (wait: number): void => {
    cancel = rounds.setTimer(wait, () => {
      run()
        .catch(onError)
        .then(() => {
          if (!closing.signal.aborted) schedule(set.every)
        })
    })
  }
  const { every: _, ...limits } = set
  if (isAny(...Object.values(limits))) schedule(Math.min(beforeFirst, set.every))
  return {
    run,
    async close() {
      closing.abort()
      cancel?.()
      await running?.catch(() => {})
    },
  }
}

/** Whether any of these limits is one. */
function isAny(...limits: readonly number[]): boolean {
  return limits.some((limit) => limit !== Infinity)
}
