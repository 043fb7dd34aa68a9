import { virtualClock } from '@spillway/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EventLoopDelay } from './event-loop-delay.ts'
import { LoadShedder, type Shed, type SheddingLimits, type Slot, sheddingDefaults } from './load-shedder.ts'
import { batch, interactive, priorityOfHead } from './priority.ts'

function shedderOf(limits: Partial<SheddingLimits> = {}) {
  const clock = virtualClock()
  const now = { delay: 0, bytes: 0, isLooking: false }
  const lines: string[] = []
  const shedder = new LoadShedder({
    limits: { ...sheddingDefaults, maxInFlight: 10, ...limits },
    clock,
    loop: {
      get median() {
        return now.delay
      },
      start() {
        now.isLooking = true
      },
      stop() {
        now.isLooking = false
      },
    },
    requestBytes: () => now.bytes,
    log: (line) => lines.push(line),
  })
  /** How many of these are admitted before the first is shed, and the slots. */
  const fill = (priority: number, most = 100): Slot[] => {
    const slots: Slot[] = []
    while (slots.length < most) {
      const slot = shedder.admit(priority)
      if ('signal' in slot) break
      slots.push(slot)
    }
    return slots
  }
  return { shedder, clock, now, lines, fill }
}

const isShed = (given: Slot | Shed): given is Shed => 'signal' in given

it('the less important a call is, the less of the limit it may fill', () => {
  const filled = [0, 4, 5, 6, 7, 8, 9].map((priority) => {
    const { fill } = shedderOf({ maxInFlight: 100, batchMinimum: 0 })
    return fill(priority).length
  })
  expect(filled).toEqual([100, 100, 100, 95, 90, 85, 80])
})

it('batch calls leave capacity to interactive ones, and give their places back', () => {
  const { shedder, fill } = shedderOf()
  const slots = fill(batch)
  expect([slots.length, fill(interactive).length]).toEqual([8, 2])
  expect(shedder.admit(interactive)).toMatchObject({ signal: 'calls_in_flight', priority: interactive })
  for (const slot of slots) slot.release()
  for (const slot of slots) slot.release()
  expect(shedder.inFlight).toEqual({ interactive: 2, batch: 0 })
  expect(fill(batch)).toHaveLength(6)
})

it('batch calls keep their minimum beside the limit while interactive ones take all of it', () => {
  const { shedder, fill } = shedderOf({ batchMinimum: 0.2 })
  expect(fill(interactive)).toHaveLength(10)
  expect(fill(batch)).toHaveLength(2)
  expect(shedder.inFlight).toEqual({ interactive: 10, batch: 2 })
  expect(isShed(shedder.admit(interactive))).toBe(true)
})

it.each([
  ['delay', 'event_loop_delay', 400, 500],
  ['bytes', 'request_bytes', 0.8, Infinity],
] as const)('by %s batch calls are shed first, their minimum too', (what, signal, first, all) => {
  const { shedder, now } = shedderOf({ batchMinimum: 1 })
  now[what] = first - 0.001
  expect(isShed(shedder.admit(batch))).toBe(false)
  now[what] = first
  expect(shedder.admit(batch)).toMatchObject({ signal })
  expect(isShed(shedder.admit(interactive))).toBe(false)
  now[what] = all
  expect(isShed(shedder.admit(interactive))).toBe(what === 'delay')
})

it('a route that makes a call less important sheds it as if it had come so', () => {
  const { shedder, fill } = shedderOf({ batchMinimum: 0 })
  const slots = fill(interactive, 8)
  expect(slots[0]?.lower(batch)).toBeUndefined()
  expect(shedder.inFlight).toEqual({ interactive: 7, batch: 1 })
  fill(interactive)
  expect(slots[1]?.lower(batch)).toMatchObject({ signal: 'calls_in_flight', priority: batch })
  expect(slots[2]?.lower(interactive)).toBeUndefined()
  for (const slot of slots) slot.release()
  expect(shedder.inFlight).toEqual({ interactive: 2, batch: 0 })
})

it('clients are sent away for times that differ, batch calls for longer', () => {
  const { shedder, fill } = shedderOf()
  fill(interactive)
  const waitsOf = (priority: number) =>
    Array.from({ length: 200 }, () => (shedder.admit(priority) as Shed).retryAfterMs)
  fill(batch)
  const [soon, late] = [waitsOf(interactive), waitsOf(batch)]
  expect([Math.min(...soon) >= 1_000, Math.max(...soon) <= 3_000]).toEqual([true, true])
  expect([Math.min(...late) >= 5_000, Math.max(...late) <= 15_000]).toEqual([true, true])
  expect(new Set(soon).size).toBeGreaterThan(190)
})

it('an episode is one line at its beginning and one at its end, and says which calls it was about', async () => {
  const { shedder, clock, lines, fill } = shedderOf({ batchMinimum: 0 })
  const slots = fill(batch)
  expect(shedder.shedding).toBe('batch')
  fill(interactive)
  await clock.advance(9_000)
  shedder.admit(batch)
  expect([shedder.shedding, lines]).toEqual([
    'all',
    [
      'warning: load shedding has begun: batch calls are refused with 529 at 80 % of calls in flight (server.loadShedding.maxInFlight)',
    ],
  ])
  await clock.advance(9_999)
  expect(lines).toHaveLength(1)
  await clock.advance(1)
  expect(lines[1]).toBe('load shedding is over after 9.0 s: 2 batch and 1 interactive calls were refused')
  expect(shedder.shedding).toBeUndefined()
  expect(shedder.shed.batch).toEqual({ calls_in_flight: 2, event_loop_delay: 0, request_bytes: 0 })
  for (const slot of slots) slot.release()
})

it('the event loop is looked at while there are calls', () => {
  const { fill, now } = shedderOf()
  const [slot] = fill(interactive, 1)
  expect(now.isLooking).toBe(true)
  slot?.release()
  expect(now.isLooking).toBe(false)
})

it('however calls come and go, the counts are right and no interactive call is shed while batch calls are admitted', () => {
  const step = fc.record({ priority: fc.nat(9), ends: fc.nat(30), to: fc.option(fc.nat(9)) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.constantFrom(1, 7, 10), (steps, maxInFlight) => {
      const { shedder } = shedderOf({ maxInFlight, batchMinimum: 0.1 })
      const open: { slot: Slot; priority: number }[] = []
      for (const { priority, ends, to } of steps) {
        const slot = shedder.admit(priority)
        if (isShed(slot)) {
          const { interactive: high, batch: low } = shedder.inFlight
          expect(high + low).toBeGreaterThanOrEqual(priority > interactive ? 0.8 * maxInFlight : maxInFlight)
        } else {
          slot.lower(to ?? priority)
          open.push({ slot, priority: Math.max(priority, to ?? 0) })
        }
        open.splice(ends, 1)[0]?.slot.release()
        const low = open.filter((each) => each.priority > interactive).length
        expect(shedder.inFlight).toEqual({ interactive: open.length - low, batch: low })
        expect(open.length).toBeLessThanOrEqual(maxInFlight + Math.ceil(0.1 * maxInFlight))
      }
    }),
  )
})

it('a decision takes microseconds at most', { retry: 3 }, () => {
  const { shedder, fill } = shedderOf({ maxInFlight: 100 })
  fill(batch)
  const begun = performance.now()
  for (let call = 0; call < 100_000; call++) shedder.admit(batch)
  expect((performance.now() - begun) / 100_000).toBeLessThan(0.01)
})

it('one long task is no delay of the event loop, and half a second of late timers is', async () => {
  const clock = virtualClock()
  let late = 0
  const delay = new EventLoopDelay({
    ...clock,
    now: () => clock.now(),
    setTimer: (ms, callback) => clock.setTimer(ms + late, callback),
  })
  delay.start()
  late = 2_000
  await clock.advance(100)
  late = 0
  await clock.advance(2_500)
  expect(delay.median).toBe(0)
  late = 700
  await clock.advance(3_500)
  expect(delay.median).toBe(700)
  delay.stop()
  expect([delay.median, clock.pending]).toEqual([0, 0])
})

describe('the priority of a call', () => {
  const may = (...permissions: string[]) => new Set(permissions)
  it.each<[string | undefined, Parameters<typeof priorityOfHead>[1], number | undefined]>([
    [undefined, undefined, undefined],
    [undefined, { permissions: may(), priority: 7 }, 7],
    ['batch', undefined, 9],
    ['interactive', undefined, 5],
    ['0', undefined, 5],
    [' 7 ', { permissions: may() }, 7],
    ['0', { permissions: may(), priority: 8 }, 8],
    ['0', { permissions: may('priority'), priority: 8 }, 0],
    ['interactive', { permissions: may('priority'), priority: 9 }, 5],
  ])('by the header %j of %j is %s', (header, client, expected) => {
    expect(priorityOfHead(header, client)).toBe(expected)
  })

  it.each(['', 'urgent', '10', '-1', '5.5', 'batch, batch', 'Infinity', '٣'])('is not %j', (header) => {
    expect(priorityOfHead(header, undefined)).toContain('expected interactive, batch, or a whole number')
  })
})
