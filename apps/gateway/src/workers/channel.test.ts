import { getEventListeners } from 'node:events'
import { systemClock } from '@spillway/middleware'
import { virtualClock } from '@spillway/testing'
import { describe, expect, it, vi } from 'vitest'
import { portPair } from '../../test/port-pair.ts'
import { type ChannelOptions, note, openChannel, question } from './channel.ts'

/** On a machine with much else to do. */
const soon = 4_000

const double = question<number, number>('test.double')
const slow = question<string, string>('test.slow')
const anything = question<unknown, unknown>('test.anything')
const said = note<unknown>('test.said')

function pair(options: ChannelOptions = {}) {
  const [here, there] = portPair()
  const channels = [openChannel(here, options), openChannel(there, options)] as const
  return { here, there, one: channels[0], other: channels[1] }
}

describe('a request', () => {
  it('is answered, whether the handler has to wait or not', async () => {
    const { one, other } = pair()
    other.answer(double, (number) => number * 2)
    other.answer(slow, async (text) => `${text}!`)
    expect(await Promise.all([one.ask(double, 4), one.ask(slow, 'a'), one.ask(double, 5)])).toEqual([
      8,
      'a!',
      10,
    ])
    expect(one.pending).toBe(0)
  })

  it('may go either way', async () => {
    const { one, other } = pair()
    one.answer(double, (number) => number * 2)
    other.answer(slow, async (text) => `${text}${await other.ask(double, 2)}`)
    expect(await one.ask(slow, 'four: ')).toBe('four: 4')
  })

  it('goes with all others of its tick in one message, and so do the answers', async () => {
    const { one, other, here, there } = pair()
    other.answer(double, (number) => number * 2)
    await Promise.all(Array.from({ length: 100 }, (_, number) => one.ask(double, number)))
    expect([here.sent.length, there.sent.length]).toEqual([1, 1])
  })

  it('fails with the message, the name and the codes of what its handler has thrown', async () => {
    const { one, other } = pair()
    other.answer(double, () => {
      throw Object.assign(new RangeError('too large'), { code: '22P02', errcode: 18, secret: { key: 'k' } })
    })
    const error = await one.ask(double, 1).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'RangeError', message: 'too large', code: '22P02', errcode: 18 })
    expect(error).not.toHaveProperty('secret')
  })

  it('that the other process does not know is refused', async () => {
    const { one } = pair()
    await expect(one.ask(double, 1)).rejects.toMatchObject({ code: 'channel_unknown' })
  })

  it('ends at its deadline, and its handler is told', async () => {
    const clock = virtualClock()
    const { one, other } = pair({ clock })
    const signals: AbortSignal[] = []
    other.answer(slow, (_, { signal }) => {
      signals.push(signal)
      return new Promise(() => {})
    })
    const waiting = one.ask(slow, 'a', { deadline: 100 }).catch((error: unknown) => error)
    await vi.waitFor(() => expect(signals).toHaveLength(1), soon)
    await clock.advance(100)
    expect(await waiting).toMatchObject({
      code: 'channel_timeout',
      message: expect.stringContaining('100 ms'),
    })
    await vi.waitFor(() => expect(signals[0]?.aborted).toBe(true), soon)
    expect(clock.pending).toBe(0)
  })

  it('takes an answer that had come when its process could not read it, though the deadline is over', async () => {
    const timers: (() => void)[] = []
    const setTimer = (_: number, callback: () => void) => {
      timers.push(callback)
      return () => {}
    }
    const { one, other, there } = pair({ clock: { ...systemClock, setTimer } })
    const handled = vi.fn((number: number) => number * 2)
    other.answer(double, handled)
    there.isRead = false
    const waiting = one.ask(double, 4)
    await vi.waitFor(() => expect(there.sent).toHaveLength(1), soon)
    // As after a pause: timers come first, then what is to be read.
    for (const fire of timers) fire()
    there.isRead = true
    expect(await waiting).toBe(8)
  })

  it('ends when its signal aborts, and leaves no listener', async () => {
    const { one, other, here } = pair()
    const caller = new AbortController()
    other.answer(slow, () => new Promise(() => {}))
    const waiting = one.ask(slow, 'a', { signal: caller.signal })
    await vi.waitFor(() => expect(here.sent).toHaveLength(1), soon)
    caller.abort(new Error('gone'))
    await expect(waiting).rejects.toThrow('gone')
    expect(getEventListeners(caller.signal, 'abort')).toHaveLength(0)
    await expect(one.ask(slow, 'b', { signal: caller.signal })).rejects.toThrow('gone')
  })

  it('whose caller leaves in the same tick is never sent', async () => {
    const { one, here } = pair()
    const caller = new AbortController()
    const waiting = one.ask(slow, 'a', { signal: caller.signal })
    caller.abort(new Error('gone'))
    await expect(waiting).rejects.toThrow('gone')
    await new Promise((resolve) => setImmediate(resolve))
    expect(here.sent).toEqual([])
  })

  it('hands an answer that comes too late to whoever has to give it back', async () => {
    const clock = virtualClock()
    const { one, other } = pair({ clock })
    const late = vi.fn()
    const { promise, resolve } = Promise.withResolvers<string>()
    const asked = vi.fn(() => promise)
    other.answer(slow, asked)
    const waiting = one.ask(slow, 'a', { deadline: 100, late }).catch((error: unknown) => error)
    await vi.waitFor(() => expect(asked).toHaveBeenCalled(), soon)
    await clock.advance(100)
    expect(await waiting).toMatchObject({ code: 'channel_timeout' })
    resolve('a lease')
    await vi.waitFor(() => expect(late).toHaveBeenCalledExactlyOnceWith('a lease'), soon)
  })

  it('too many is refused at once', async () => {
    const { one, other } = pair({ maxPending: 2 })
    other.answer(slow, () => new Promise(() => {}))
    const waiting = [one.ask(slow, 'a'), one.ask(slow, 'b')].map((each) =>
      each.catch((error: unknown) => error),
    )
    await expect(one.ask(slow, 'c')).rejects.toMatchObject({ code: 'channel_full' })
    one.close()
    expect(await Promise.all(waiting)).toMatchObject([{ code: 'channel_closed' }, { code: 'channel_closed' }])
  })

  it('that cannot be serialised fails alone', async () => {
    const { one, other } = pair()
    other.answer(double, (number) => number * 2)
    other.answer(anything, (what) => (what === 'function' ? () => {} : what))
    const results = await Promise.allSettled([
      one.ask(double, 1),
      one.ask(anything, () => {}),
      one.ask(anything, 'function'),
      one.ask(double, 2),
    ])
    expect(results).toMatchObject([
      { value: 2 },
      { reason: { code: 'channel_unsendable' } },
      { reason: { code: 'channel_unsendable' } },
      { value: 4 },
    ])
  })
})

describe('a note', () => {
  it('is heard by all who listen, in order, even where one of them throws', async () => {
    const { one, other } = pair()
    const [heard, stopped] = [vi.fn(), vi.fn()]
    other.hear(said, () => {
      throw new Error('a listener')
    })
    other.hear(said, heard)
    other.hear(said, stopped)()
    const quiet = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    for (const number of [1, 2, 3]) expect(one.tell(said, number)).toBe(true)
    await vi.waitFor(() => expect(heard.mock.calls).toEqual([[1], [2], [3]]), soon)
    quiet.mockRestore()
    expect(stopped).not.toHaveBeenCalled()
  })

  it('waits while the other process does not read, and is refused when too many wait', async () => {
    const { one, other, here } = pair({ maxQueued: 10 })
    const heard: unknown[] = []
    other.hear(said, (number) => heard.push(number))
    here.isRead = false
    one.tell(said, 0)
    one.flush()
    const isTaken = Array.from({ length: 11 }, (_, number) => one.tell(said, number + 1))
    expect(isTaken).toEqual([...Array.from({ length: 10 }, () => true), false])
    await expect(one.ask(double, 1)).rejects.toMatchObject({ code: 'channel_full' })
    await new Promise((resolve) => setImmediate(resolve))
    expect(here.sent).toHaveLength(1)
    here.isRead = true
    await vi.waitFor(() => expect(heard).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), soon)
    expect(here.sent).toHaveLength(2)
  })
})

describe('a channel that is closed', () => {
  it('rejects what waits at once, aborts what is being answered, and tells it once', async () => {
    const { one, other, here } = pair()
    const signals: AbortSignal[] = []
    other.answer(slow, (_, { signal }) => {
      signals.push(signal)
      return new Promise(() => {})
    })
    const closed = vi.fn()
    one.onClose(closed)
    const waiting = one.ask(slow, 'a')
    await vi.waitFor(() => expect(signals).toHaveLength(1), soon)
    here.cut()
    await expect(waiting).rejects.toMatchObject({ code: 'channel_closed' })
    await expect(one.ask(slow, 'b')).rejects.toMatchObject({ code: 'channel_closed' })
    expect([one.tell(said, 1), one.isOpen, other.isOpen, signals[0]?.aborted]).toEqual([
      false,
      false,
      false,
      true,
    ])
    one.close()
    expect(closed).toHaveBeenCalledOnce()
    const after = vi.fn()
    one.onClose(after)
    expect(after).toHaveBeenCalledOnce()
  })

  it('closes when a message cannot be handed over', async () => {
    const [port] = portPair()
    const failing = {
      ...port,
      send(_: unknown, done: (error: Error) => void) {
        done(new Error('EPIPE'))
        return false
      },
    }
    const channel = openChannel(failing)
    await expect(channel.ask(double, 1)).rejects.toMatchObject({ code: 'channel_closed' })
    expect(channel.isOpen).toBe(false)
  })

  it('leaves messages alone that are not of a channel', async () => {
    const { one, other, here } = pair()
    other.answer(double, (number) => number * 2)
    for (const message of [null, 'text', { cmd: 'other' }, { spillway: 2, entries: [] }])
      here.send(message, () => {})
    expect(await one.ask(double, 3)).toBe(6)
  })
})
