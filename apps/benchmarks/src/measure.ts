/** Something whose CPU time a call is measured. */
export interface Variant {
  readonly name: string
  /** One call, from the request to the last byte. */
  call(): Promise<void>
  /** CPU time used so far by the process under test, in microseconds. @default this process */
  cpu?(): Promise<number>
}

export interface MeasureOptions {
  /** How often each variant is measured. */
  readonly rounds: number
  /** Calls in one measurement. */
  readonly calls: number
  /** Calls at a time. */
  readonly concurrency: number
  /**
   * What is collected before each measurement, where Node runs with `--expose-gc`. A full collection also throws optimised code
   * away, which those in service hardly do: for some 100 ms the compiler is measured as well, and long code more than short.
   * `young` leaves the code, so that calls are as in service; what the variant before has left to be finalised is done before, in some
   * calls that do not count.
   * @default true: all
   */
  readonly collect?: boolean | 'young'
  /**
   * Calls of each variant before the first round, so that its code is as warm as in service: V8 compiles a function of the hot path after some
   * 3,000 calls, and long chains have more of them than short ones.
   * @default none but three rounds that do not count
   */
  readonly warmUp?: number
  readonly onRound?: (round: number) => void
}

/** CPU microseconds a call of one variant. */
export interface Result {
  readonly name: string
  /** One figure a round. */
  readonly perCall: readonly number[]
  readonly median: number
}

/**
 * Measures variants in turn, round by round, so that a slow spell of the machine hits all of them. Each round begins
 * with another variant, and each measurement with a clean heap where Node runs with `--expose-gc`, so that nobody
 * sweeps up after somebody else. The first rounds, in which the code is compiled, do not count.
 */
export async function measure(variants: readonly Variant[], options: MeasureOptions): Promise<Result[]> {
  const { rounds, calls, concurrency, collect = true, onRound, warmUp = 0 } = options
  const figures = new Map(variants.map(({ name }) => [name, [] as number[]]))
  for (let done = 0; done < warmUp; done += calls)
    for (const { call } of variants) await repeat(call, calls, concurrency)
  const uncounted = 3
  for (let round = -uncounted; round < rounds; round++) {
    onRound?.(round)
    for (const variant of inTurn(variants, round + uncounted)) {
      if (collect === 'young') await settle(variant, calls, concurrency)
      else if (collect) globalThis.gc?.()
      const cpu = variant.cpu ?? ownCpu
      const before = await cpu()
      await repeat(variant.call, calls, concurrency)
      const used = (await cpu()) - before
      if (round >= 0) figures.get(variant.name)?.push(used / calls)
    }
  }
  return variants.map(({ name }) => {
    const perCall = figures.get(name) as number[]
    return { name, perCall, median: median(perCall) }
  })
}

/** What is left of the variant before: streams of `fetch` are closed by finalisers, which run some time after a collection. */
async function settle({ call }: Variant, calls: number, concurrency: number): Promise<void> {
  for (let times = 0; times < 2; times++) {
    globalThis.gc?.({ type: 'minor' })
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  await repeat(call, Math.ceil(calls / 5), concurrency)
}

/** The items in another order each round, so that none is always behind the same one. */
function inTurn<T>(items: readonly T[], round: number): T[] {
  const steps = items.map((_, index) => index).filter((step) => gcd(step, items.length) === 1)
  const step = steps[round % steps.length] ?? 1
  return items.map((_, index) => items[(round + index * step) % items.length] as T)
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b)
}

/** The same items, beginning with another one. */
export function rotated<T>(items: readonly T[], by: number): T[] {
  const start = by % items.length
  return [...items.slice(start), ...items.slice(0, start)]
}

/** The median of the ratios of two results, round by round. */
export function ratio(of: Result, to: Result): number {
  return median(of.perCall.map((value, round) => value / (to.perCall[round] as number)))
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] as number
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2
}

async function ownCpu(): Promise<number> {
  const { user, system } = process.cpuUsage()
  return user + system
}

async function repeat(call: () => Promise<void>, calls: number, concurrency: number): Promise<void> {
  let left = calls
  const work = async (): Promise<void> => {
    while (left-- > 0) await call()
  }
  await Promise.all(Array.from({ length: concurrency }, work))
}
