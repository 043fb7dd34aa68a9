import assert from 'node:assert/strict'
import type { ConformanceCase } from './limit-store-suite.ts'

interface Opening {
  readonly name: string
  readonly key: string
  readonly openForMs: number
  readonly from: string
}

/** What the suite needs of a store of openings; a `BreakerStore` of `@spillway/circuit-breaker-fallback` has it. */
export interface TestedOpenings {
  open(opening: Opening): Promise<void>
  remaining(name: string, key: string): Promise<number>
  subscribe(listener: (opening: Opening) => void, missed?: () => void): () => void
}

/** Makes what two processes have: two stores that know the same. */
export type OpenOpenings = () =>
  | readonly [TestedOpenings, TestedOpenings]
  | Promise<readonly [TestedOpenings, TestedOpenings]>

const opening: Opening = { name: 'eu', key: 'm', openForMs: 5_000, from: 'a' }

/** How long a case tries until it holds, in milliseconds: a store may connect first. */
const patience = 5_000

async function eventually(holds: () => Promise<boolean>): Promise<void> {
  const until = performance.now() + patience
  while (!(await holds())) {
    assert.ok(performance.now() < until, `does not hold within ${patience} ms`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** What every store of openings must do, for any test runner: `for (const { name, run } of cases) it(name, run)`. */
export function breakerStoreCases(open: OpenOpenings): ConformanceCase[] {
  const on = (
    name: string,
    run: (one: TestedOpenings, other: TestedOpenings) => Promise<void>,
  ): ConformanceCase => ({
    name,
    async run() {
      const [one, other] = await open()
      await run(one, other)
    },
  })
  return [
    on('tells all of an opening, also the one that it comes from', async (one, other) => {
      const [here, there]: [Opening[], Opening[]] = [[], []]
      one.subscribe((each) => here.push(each))
      other.subscribe((each) => there.push(each))
      await eventually(async () => {
        await one.open(opening)
        return here.length > 0 && there.length > 0
      })
      for (const heard of [...here, ...there]) assert.deepEqual(heard, opening)
    }),

    on('tells nobody who has stopped to listen', async (one, other) => {
      const [stopped, listening]: [Opening[], Opening[]] = [[], []]
      other.subscribe((each) => stopped.push(each))()
      other.subscribe((each) => listening.push(each))
      await eventually(async () => {
        await one.open(opening)
        return listening.length > 0
      })
      assert.deepEqual(stopped, [])
    }),

    on('knows an opening while it lasts, of its endpoint and key alone', async (one, other) => {
      assert.equal(await other.remaining('new', 'm'), 0)
      await one.open({ ...opening, name: 'new' })
      await eventually(async () => (await other.remaining('new', 'm')) > 0)
      const left = await other.remaining('new', 'm')
      assert.ok(left > 0 && left <= 5_000, `${left} ms are left`)
      for (const [name, key] of [
        ['new', 'n'],
        ['old', 'm'],
        ['', 'new:m'],
        ['new:m', ''],
      ] as const)
        assert.equal(await other.remaining(name, key), 0)
    }),

    on('forgets an opening when its time is over', async (one, other) => {
      await one.open({ ...opening, name: 'short', openForMs: 1 })
      await eventually(async () => (await other.remaining('short', 'm')) === 0)
    }),
  ]
}
