import { virtualClock } from '@spillway/testing'
import { expect, it, vi } from 'vitest'
import { BatchWriter } from './batch-writer.ts'
import type { Disk } from './disk.ts'

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
    write: (entries: readonly string[], signal: AbortSignal) => {
      given.push(entries)
      const written = later<void, object>(writes, {})
      signal.addEventListener('abort', () => writes.at(-1)?.reject(signal.reason))
      return written
    },
  }
  const journal = {
    bytes: 0,
    append: (entries: readonly string[]) =>
      later<boolean, { entries: readonly string[] }>(appends, { entries }),
    files: vi.fn(async (): Promise<string[]> => []),
    read: vi.fn(async (file: string): Promise<string[]> => [file]),
    remove: vi.fn(async (_: string) => {}),
    close: vi.fn(),
  }
  const lines: string[] = []
  const given: (readonly string[])[] = []
  const disk = { journal, rejected: { keep: async () => true } } as unknown as Disk<string>
  const writer = new BatchWriter<string>(store, disk, clock, {
    ...{ maxRows: 100, maxWait: 100, maxBuffered: 1_000, writeTimeout: 5_000 },
    warn: (line) => lines.push(line),
  })
  return { clock, writer, writes, given, appends, journal, lines }
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
  expect(writer.state.isInMemory).toBe(false)
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
  expect(writer.state).toMatchObject({ buffered: 0, lost: 1, isInMemory: true })
})

/** As the system says that a process has no descriptor left. */
const exhausted = (): Error => Object.assign(new Error('too many open files'), { code: 'EMFILE' })

it('keeps rows in memory while neither the database nor the disk takes them', async () => {
  const { clock, writer, writes, given, appends, lines } = begin()
  writer.add('a')
  await clock.advance(100)
  writes[0]?.reject(new Error('away'))
  await clock.advance(10)
  appends[0]?.reject(exhausted())
  await clock.advance(10)
  expect(writer.state).toMatchObject({ buffered: 1, lost: 0, isInMemory: true })
  expect(lines).toContain(
    'the journal cannot be written, its rows wait in memory: EMFILE: too many open files',
  )
  // Not more often than the disk and the database may be back.
  await clock.advance(450)
  expect([given.length, appends.length]).toEqual([1, 1])
  await clock.advance(150)
  expect(given).toEqual([['a'], ['a']])
  writes[1]?.resolve()
  await clock.advance(10)
  expect(writer.state).toMatchObject({ isAway: false, buffered: 0, lost: 0 })
})

it('books rows although the journal cannot be read, and reads it later', async () => {
  const { clock, writer, writes, given, journal, lines } = begin()
  journal.files.mockRejectedValueOnce(exhausted())
  await clock.advance(0)
  writer.add('a')
  await clock.advance(100)
  expect(given).toEqual([['a']])
  writes[0]?.resolve()
  journal.files.mockResolvedValueOnce(['waited'])
  await clock.advance(6_000)
  expect(given).toEqual([['a'], ['waited']])
  writes[1]?.resolve()
  await clock.advance(10)
  expect(journal.remove.mock.calls).toEqual([['waited']])
  expect(lines).toEqual([
    'the journal cannot be read, what is in it waits there: EMFILE: too many open files',
    'the journal can be read again',
  ])
  expect(clock.pending).toBe(0)
})

it('writes the files of a journal that can be read, whatever is wrong with one of them', async () => {
  const { clock, given, writes, journal } = begin()
  journal.files.mockResolvedValueOnce(['1', '2', '3']).mockResolvedValueOnce(['2'])
  journal.read.mockImplementation(async (file) => {
    if (file === '2' && given.length === 0) throw Object.assign(new Error('i/o error'), { code: 'EIO' })
    return [file]
  })
  await clock.advance(0)
  expect(given).toEqual([['1', '3']])
  writes[0]?.resolve()
  await clock.advance(6_000)
  writes[1]?.resolve()
  await clock.advance(10)
  expect(given).toEqual([['1', '3'], ['2']])
  expect(journal.remove.mock.calls).toEqual([['1'], ['3'], ['2']])
})

it('keeps a row that comes while it closes, and counts one that comes afterwards', async () => {
  const { clock, writer, writes, appends, lines } = begin()
  await clock.advance(0)
  writer.add('a')
  const closed = writer.close()
  await clock.advance(0)
  writes[0]?.reject(new Error('away'))
  await clock.advance(0)
  writer.add('b')
  appends[0]?.resolve(true)
  await clock.advance(0)
  appends[1]?.resolve(true)
  await closed
  expect(appends.map(({ entries }) => entries)).toEqual([['a'], ['b']])
  expect(writer.state).toMatchObject({ buffered: 0, lost: 0 })
  writer.add('c')
  expect(writer.state).toMatchObject({ buffered: 0, lost: 1 })
  expect(lines.at(-1)).toBe('1 row is lost: it came after the end')
})

it('says how many rows are lost, and why, where the disk fails at the end', async () => {
  const { clock, writer, writes, appends, lines } = begin()
  await clock.advance(0)
  writer.add('a')
  writer.add('b')
  const closed = writer.close()
  await clock.advance(0)
  writes[0]?.reject(new Error('away'))
  for (const tries of [0, 1]) {
    await clock.advance(0)
    appends[tries]?.reject(exhausted())
  }
  await closed
  expect(writer.state).toMatchObject({ buffered: 0, lost: 2 })
  expect(lines.at(-1)).toBe(
    '2 rows are lost: the database takes none (away) and the journal takes none (EMFILE: too many open files)',
  )
})

it('brings a memory that fills to disk at once, whatever waits for a slow write', async () => {
  const { clock, writer, appends } = begin()
  await clock.advance(0)
  writer.add('first')
  await clock.advance(100)
  // The copy of what is on its way waits for a second.
  for (let n = 0; n < 600; n++) writer.add(`row ${n}`)
  await clock.advance(1)
  expect(appends.map(({ entries }) => entries.length)).toEqual([600])
})

it('flushes what has been taken, while rows come as fast as they are written', async () => {
  const { clock, writer, writes, given, appends } = begin()
  await clock.advance(0)
  for (let n = 0; n < 3; n++) writer.add(`row ${n}`)
  let isFlushed = false
  void writer.flush().then(() => {
    isFlushed = true
  })
  for (let n = 3; n < 10 && !isFlushed; n++) {
    await clock.advance(20)
    writer.add(`row ${n}`)
    writes.at(-1)?.resolve()
    await clock.advance(20)
  }
  expect([isFlushed, given]).toEqual([true, [['row 0', 'row 1', 'row 2']]])
  // What came meanwhile goes with the next batch, and not to disk.
  await clock.advance(100)
  expect(given.slice(1)).toEqual([['row 3']])
  writes.at(-1)?.resolve()
  await clock.advance(10)
  expect([appends, writer.state.buffered]).toEqual([[], 0])
})

it('closes a database in memory with the rows that come while it closes', async () => {
  const clock = virtualClock()
  const given: string[] = []
  const store = {
    write: async (entries: readonly string[]) => {
      await new Promise<void>((resolve) => void clock.setTimer(10, resolve))
      given.push(...entries)
    },
  }
  const options = { maxRows: 100, maxWait: 100, maxBuffered: 1_000, writeTimeout: 5_000 }
  const writer = new BatchWriter<string>(store, undefined, clock, { ...options, warn: () => {} })
  writer.add('a')
  const closed = writer.close()
  await clock.advance(5)
  writer.add('b')
  await clock.runUntil(closed)
  expect([given, writer.state.lost]).toEqual([['a', 'b'], 0])
})

it('writes nothing that came later before what is on its way to disk', async () => {
  const { clock, writer, writes, given, appends, journal } = begin()
  journal.files.mockResolvedValueOnce(['earlier'])
  writer.add('a')
  await clock.advance(100)
  expect(given).toEqual([['earlier']])
  // That write is slow, so what waits behind it goes to disk, which is slow as well.
  writer.add('b')
  await clock.advance(1_100)
  expect(appends.map(({ entries }) => entries)).toEqual([['a', 'b']])
  writer.add('c')
  writes[0]?.resolve()
  await clock.advance(10)
  expect(given).toEqual([['earlier']])
  journal.files.mockResolvedValueOnce(['a and b'])
  appends[0]?.resolve(true)
  await clock.advance(10)
  expect(given.at(-1)).toEqual(['a and b'])
  writes[1]?.resolve()
  await clock.advance(200)
  expect(given).toEqual([['earlier'], ['a and b'], ['c']])
})
