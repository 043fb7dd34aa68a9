import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import type { ConformanceCase } from './limit-store-suite.ts'

interface Opening {
  readonly name: string
  readonly key: string
  readonly openForMs: number
  readonly from: string
}

/** What the suite needs of a store of circuits; a `BreakerStore` of `@spillway/circuit-breaker-fallback` has it. */
export interface TestedBreakerStore {
  open(opening: Opening): Promise<void>
  remaining(name: string, key: string): Promise<number>
  subscribe(listener: (opening: Opening) => void, missed?: () => void): () => void
}

/** Makes two stores that know the same, as two processes have them; they count real time. */
export type OpenBreakerStores = () =>
  | readonly [TestedBreakerStore, TestedBreakerStore]
  | Promise<readonly [TestedBreakerStore, TestedBreakerStore]>

const opening: Opening = { name: 'eu', key: 'm', openForMs: 5_000, from: 'a' }

/** How long something may take to be known, in milliseconds. */
const knownWithin = 5_000

/** Waits until this holds; what is sent before a store listens is not heard, so it is done again each time. */
async function until(act: () => Promise<void>, isMet: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + knownWithin
  for (;;) {
    await act()
    for (let look = 0; look < 10; look++) {
      if (await isMet()) return
      await delay(5)
    }
    assert.ok(performance.now() < end, `not within ${knownWithin} ms`)
  }
}

/** What every store of circuits must do, for any test runner: `for (const { name, run } of cases) it(name, run)`. */
export function breakerStoreCases(open: OpenBreakerStores): ConformanceCase[] {
  // Separate names for each case: stores may be one and the same for all.
  let cases = 0
  const on = (
    name: string,
    run: (one: TestedBreakerStore, other: TestedBreakerStore, named: Opening) => Promise<void>,
  ): ConformanceCase => ({
    name,
    async run() {
      const [one, other] = await open()
      await run(one, other, { ...opening, name: `${opening.name}-${process.pid}-${cases++}` })
    },
  })
  return [
    on('tells all of an opening, also the one that it comes from', async (one, other, named) => {
      const heard = { one: [] as Opening[], other: [] as Opening[] }
      const stops = [
        one.subscribe((each) => heard.one.push(each)),
        other.subscribe((each) => heard.other.push(each)),
      ]
      const isNamed = ({ name }: Opening): boolean => name === named.name
      await until(
        () => one.open(named),
        () => heard.one.some(isNamed) && heard.other.some(isNamed),
      )
      assert.deepEqual(heard.one.find(isNamed), named)
      assert.deepEqual(heard.other.find(isNamed), named)
      for (const stop of stops) stop()
    }),

    on('does not call a listener that has unsubscribed', async (one, other, named) => {
      let [stopped, listening] = [0, 0]
      other.subscribe(() => stopped++)()
      const stop = other.subscribe(() => listening++)
      await until(
        () => one.open(named),
        () => listening > 0,
      )
      assert.equal(stopped, 0)
      stop()
    }),

    on('knows how long a circuit is open, of its endpoint and key alone', async (one, other, named) => {
      assert.equal(await other.remaining(named.name, 'm'), 0)
      let left = 0
      await until(
        () => one.open(named),
        async () => {
          left = await other.remaining(named.name, 'm')
          return left > 3_000
        },
      )
      assert.ok(left <= 5_000, `${left} ms`)
      for (const [name, key] of [
        [named.name, 'n'],
        [`${named.name}x`, 'm'],
        ['', `${named.name}:m`],
        [`${named.name}:m`, ''],
      ] as const)
        assert.equal(await other.remaining(name, key), 0, `${name} ${key}`)
    }),

    on('takes any text as name and key', async (one, other, named) => {
      const odd = { ...named, key: 'anthropic/claude: "x" 水 *' }
      await until(
        () => one.open(odd),
        async () => (await other.remaining(odd.name, odd.key)) > 0,
      )
    }),

    on('forgets an opening when its time is over', async (one, other, named) => {
      await one.open({ ...named, openForMs: 20 })
      await until(
        async () => {},
        async () => (await other.remaining(named.name, 'm')) === 0,
      )
    }),

    on('lets a later opening replace the one before', async (one, other, named) => {
      await one.open({ ...named, openForMs: 1_000 })
      await until(
        () => other.open({ ...named, openForMs: 60_000, from: 'b' }),
        async () => (await one.remaining(named.name, 'm')) > 30_000,
      )
    }),
  ]
}
