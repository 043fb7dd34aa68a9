import { virtualClock } from '@spillway/testing'
import { expect, it, vi } from 'vitest'
import { BatchWriter, type Disk } from './batch-writer.ts'

/** A writer whose store and disk answer when they are told to. */
function begin() {
  const clock = virtualClock()
  const writes: PromiseWithResolvers<void>[] = []
  const appends: (PromiseWithResolvers<boolean> & { entries: readonly string[] })[] = []
  const later = <T, More>(list: (PromiseWithResolvers<T> & More)[], more: More): Promise<T> => {
    const each = { ...Promise.withResolvers<T>(), ...more }
    list.push(each)
    return each.promise
  }
  const store = {
    write: (_: readonly string[], signal: AbortSignal) => {
      const written = later<void, object>(writes, {})
      signal.addEventListener('abort', () => writes.at(-1)?.reject(signal.reason))
      return written
    },
  }
  const journal = {
    bytes: 0,
    append: (entries: readonly string[]) =>
      later<boolean, { entries: readonly string[] }>(appends, { entries }),
    files: async () => [],
    close: vi.fn(),
  }
  const disk = { journal, rejected: { keep: async () => true } } as unknown as Disk<string>
  const writer = new BatchWriter<string>(store, disk, clock, {
    ...{ maxRows: 100, maxWait: 100, maxBuffered: 1_000, writeTimeout: 5_000 },
    warn: () => {},
  })
  return { clock, writer, writes, appends, journal }
}

it('closes when what a hung store was given is on disk, not before', async () => {
  const { clock, writer, writes, appends, journal } = begin()
  writer.add('a')
  await clock.advance(100)
  expect(writes).toHaveLength(1)
  let isClosed = false
  const closed = writer.close().then(() => {
    isClosed = true
  })
  // Its copy goes to disk after a second, and the store is given up after three.
  await clock.advance(1_000)
  appends[0]?.resolve(true)
  await clock.advance(1_950)
  writer.add('b')
  await clock.advance(1_000)
  expect(appends.map(({ entries }) => entries)).toEqual([['a'], ['b']])
  expect([isClosed, journal.close.mock.calls]).toEqual([false, []])
  appends[1]?.resolve(true)
  await closed
  expect(writer.state).toMatchObject({ buffered: 0, lost: 0 })
})

it('does not take a copy for kept that the disk refuses after the store has failed', async () => {
  const { clock, writer, writes, appends } = begin()
  writer.add('a')
  await clock.advance(100)
  await clock.advance(1_000)
  expect(appends.map(({ entries }) => entries)).toEqual([['a']])
  writes[0]?.reject(new Error('away'))
  await clock.advance(10)
  appends[0]?.resolve(false)
  await clock.advance(10)
  // It is tried once more, and counted where that fails too.
  expect(appends.map(({ entries }) => entries)).toEqual([['a'], ['a']])
  appends[1]?.resolve(false)
  await clock.advance(10)
  expect(writer.state).toMatchObject({ buffered: 0, lost: 1 })
})
