import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  BodyChannel,
  type BodySink,
  bodyOf,
  concatBytes,
  type ResponseBody,
  readBody,
} from './response-body.ts'

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)
const big = (): Uint8Array => new Uint8Array(300 * 1024)

/** Records what a sink sees; `accepts` says for each write whether to go on. */
class RecordingSink implements BodySink {
  readonly log: string[] = []
  readonly received: number[] = []
  accepts: () => boolean = () => true

  write(chunk: Uint8Array): boolean {
    this.received.push(...chunk)
    this.log.push(`write ${chunk.length}`)
    return this.accepts()
  }
  end(): void {
    this.log.push('end')
  }
  fail(error: unknown): void {
    this.log.push(`fail ${(error as Error).message}`)
  }
}

/** A channel whose source records what it is told. */
function recorded(): { channel: BodyChannel; told: string[] } {
  const told: string[] = []
  const channel = new BodyChannel({
    pause: () => told.push('pause'),
    resume: () => told.push('resume'),
    cancel: (reason) => told.push(`cancel ${String(reason)}`),
  })
  return { channel, told }
}

async function collect(body: ResponseBody): Promise<number[]> {
  const all: number[] = []
  for await (const chunk of body) all.push(...chunk)
  return all
}

describe('a reader who iterates', () => {
  it('gets what was pushed before and after, in order, and the end', async () => {
    const channel = new BodyChannel()
    channel.push(bytes(1))
    const all = collect(channel)
    channel.push(bytes(2, 3))
    await Promise.resolve()
    channel.push(bytes(4))
    channel.end()
    expect(await all).toEqual([1, 2, 3, 4])
  })

  it('gets what was pushed before an error, then the error, once', async () => {
    const channel = new BodyChannel()
    channel.push(bytes(1))
    channel.fail(new Error('cut'))
    const iterator = channel[Symbol.asyncIterator]()
    expect(await iterator.next()).toEqual({ done: false, value: bytes(1) })
    await expect(iterator.next()).rejects.toThrow('cut')
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
  })

  it('gets an error that it waits for, once', async () => {
    const channel = new BodyChannel()
    const iterator = channel[Symbol.asyncIterator]()
    const waiting = iterator.next()
    channel.fail(new Error('cut'))
    await expect(waiting).rejects.toThrow('cut')
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
  })

  it('gets each chunk once, also when it asks ahead', async () => {
    const channel = new BodyChannel()
    const iterator = channel[Symbol.asyncIterator]()
    const asked = [iterator.next(), iterator.next(), iterator.next(), iterator.next()]
    channel.push(bytes(1))
    channel.push(bytes(2))
    channel.push(bytes(3))
    channel.end()
    expect((await Promise.all(asked)).map(({ value }) => value?.[0])).toEqual([1, 2, 3, undefined])
  })

  it('cancels by leaving early', async () => {
    const { channel, told } = recorded()
    channel.push(bytes(1))
    channel.push(bytes(2))
    for await (const chunk of channel) {
      expect(chunk).toEqual(bytes(1))
      break
    }
    expect(told).toEqual(['cancel undefined'])
    expect(channel.buffered).toBe(0)
  })

  it('sees the end when the body is cancelled while it waits', async () => {
    const channel = new BodyChannel()
    const all = collect(channel)
    channel.cancel()
    expect(await all).toEqual([])
  })
})

describe('a reader who pipes', () => {
  it('gets what was pushed before and after, in order, and the end', () => {
    const channel = new BodyChannel()
    const sink = new RecordingSink()
    channel.push(bytes(1, 2))
    channel.pipe(sink)
    channel.push(bytes(3))
    channel.end()
    expect(sink.received).toEqual([1, 2, 3])
    expect(sink.log).toEqual(['write 2', 'write 1', 'end'])
  })

  it('gets what was pushed before an error, then the error', () => {
    const channel = new BodyChannel()
    const sink = new RecordingSink()
    channel.push(bytes(1))
    channel.fail(new Error('cut'))
    channel.pipe(sink)
    expect(sink.log).toEqual(['write 1', 'fail cut'])
  })

  it('gets nothing between its refusal and resume, and the end only after what waited', () => {
    const channel = new BodyChannel()
    const sink = new RecordingSink()
    sink.accepts = () => false
    channel.pipe(sink)
    channel.push(bytes(1))
    channel.push(bytes(2))
    channel.push(bytes(3))
    channel.end()
    expect(sink.received).toEqual([1])
    channel.resume()
    expect(sink.log).toEqual(['write 1', 'write 1'])
    channel.resume()
    expect(sink.log).toEqual(['write 1', 'write 1', 'write 1', 'end'])
  })

  it('gets what is pushed while it is written to after what waits already', () => {
    const channel = new BodyChannel()
    const sink = new RecordingSink()
    sink.accepts = () => {
      if (sink.received.length === 1) channel.push(bytes(3))
      return true
    }
    channel.push(bytes(1))
    channel.push(bytes(2))
    channel.pipe(sink)
    channel.end()
    expect(sink.received).toEqual([1, 2, 3])
    expect(sink.log.at(-1)).toBe('end')
  })

  it('may cancel while it is written to', () => {
    const { channel, told } = recorded()
    const sink = new RecordingSink()
    sink.accepts = () => {
      channel.cancel('enough')
      return false
    }
    channel.push(bytes(1))
    channel.push(bytes(2))
    channel.pipe(sink)
    channel.push(bytes(3))
    channel.end()
    expect(sink.log).toEqual(['write 1'])
    expect(told).toEqual(['cancel enough'])
  })
})

describe('a second reader', () => {
  it.each<[string, (body: ResponseBody) => void]>([
    ['pipe', (body) => body.pipe(new RecordingSink())],
    ['iterate', (body) => void body[Symbol.asyncIterator]()],
  ])('cannot %s', (_, read) => {
    for (const first of ['pipe', 'iterate']) {
      const channel = new BodyChannel()
      if (first === 'pipe') channel.pipe(new RecordingSink())
      else channel[Symbol.asyncIterator]()
      expect(() => read(channel)).toThrow(TypeError)
    }
  })
})

describe('the source', () => {
  it('is paused by a sink that refuses, and resumed when that has taken all', () => {
    const { channel, told } = recorded()
    const sink = new RecordingSink()
    sink.accepts = () => false
    channel.pipe(sink)
    channel.push(bytes(1))
    channel.push(bytes(2))
    expect(told).toEqual(['pause'])
    channel.resume()
    expect(told).toEqual(['pause'])
    channel.resume()
    expect(told).toEqual(['pause', 'resume'])
  })

  it('is paused when too much waits for a reader, and resumed when all is read', async () => {
    const { channel, told } = recorded()
    channel.push(bytes(1))
    channel.push(big())
    expect(told).toEqual(['pause'])
    expect(channel).toMatchObject({ paused: true, buffered: 300 * 1024 + 1, reads: 0 })
    const iterator = channel[Symbol.asyncIterator]()
    await iterator.next()
    expect(told).toEqual(['pause'])
    await iterator.next()
    expect(told).toEqual(['pause', 'resume'])
    expect(channel).toMatchObject({ paused: false, buffered: 0, reads: 2 })
  })

  it('may push at once when it is resumed', () => {
    const sink = new RecordingSink()
    const channel: BodyChannel = new BodyChannel({
      pause: () => {},
      resume: () => {
        channel.push(bytes(2))
        channel.end()
      },
      cancel: () => {},
    })
    sink.accepts = () => sink.received.length !== 1
    channel.pipe(sink)
    channel.push(bytes(1))
    channel.resume()
    expect(sink.log).toEqual(['write 1', 'write 1', 'end'])
  })

  it('is told nothing after the end', async () => {
    const { channel, told } = recorded()
    channel.push(big())
    channel.end()
    await readBody(channel)
    expect(told).toEqual(['pause'])
  })

  it('hears of a cancellation once, with its reason', () => {
    const { channel, told } = recorded()
    channel.cancel('enough')
    channel.cancel('again')
    expect(told).toEqual(['cancel enough'])
  })

  it.each<[string, (channel: BodyChannel) => void]>([
    ['end', (channel) => channel.end()],
    ['failure', (channel) => channel.fail(new Error('cut'))],
  ])('does not hear of a cancellation after the %s', (_, finish) => {
    const { channel, told } = recorded()
    finish(channel)
    channel.cancel()
    expect(told).toEqual([])
  })
})

describe('a cancelled body', () => {
  it('takes nothing more', async () => {
    const channel = new BodyChannel()
    const iterator = channel[Symbol.asyncIterator]()
    channel.cancel()
    channel.push(bytes(1))
    channel.fail(new Error('cut'))
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
  })

  it('fails for a reader who comes too late, rather than end well or never', async () => {
    const cancelled = (): BodyChannel => {
      const channel = new BodyChannel()
      channel.push(bytes(1))
      channel.cancel()
      return channel
    }
    await expect(readBody(cancelled())).rejects.toThrow('cancelled')
    await expect(collect(cancelled())).rejects.toThrow('cancelled')
  })
})

describe('a whole body', () => {
  it('is read at once', async () => {
    expect(await readBody(bodyOf(bytes(1, 2)))).toEqual(bytes(1, 2))
    expect(await collect(bodyOf(bytes(1, 2)))).toEqual([1, 2])
  })

  it('may be empty', async () => {
    expect(await readBody(bodyOf(bytes()))).toHaveLength(0)
  })

  it('is collected from its chunks', async () => {
    const channel = new BodyChannel()
    const whole = readBody(channel)
    channel.push(bytes(1))
    channel.push(bytes(2, 3))
    channel.end()
    expect([...(await whole)]).toEqual([1, 2, 3])
  })

  it('fails with what its body fails with', async () => {
    const channel = new BodyChannel()
    const whole = readBody(channel)
    channel.push(bytes(1))
    channel.fail(new Error('cut'))
    await expect(whole).rejects.toThrow('cut')
  })

  it('is not copied when it is one chunk', async () => {
    const chunk = bytes(1, 2)
    expect(await readBody(bodyOf(chunk))).toBe(chunk)
    expect(concatBytes([chunk])).toBe(chunk)
    expect(concatBytes([])).toHaveLength(0)
  })
})

type Step =
  | { readonly do: 'push'; readonly size: number }
  | { readonly do: 'end' | 'fail' | 'read' | 'next' | 'resume' | 'cancel' | 'return' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('push' as const),
      size: fc.constantFrom(0, 1, 2, 100_000, 300_000),
    }),
  },
  { weight: 4, arbitrary: fc.constantFrom('next' as const, 'resume' as const).map((name) => ({ do: name })) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('end', 'fail', 'read', 'cancel', 'return')
      .map((name) => ({ do: name }) as Step),
  },
)
const steps = fc.array(step, { maxLength: 40 })
const runs = { numRuns: 1000 }

/** What a source may hear: pauses and resumes in turn while the body is open, at most one cancel, last. */
function expectSensible(told: readonly string[]): void {
  const words = told.map((word) => word.split(' ')[0])
  words.forEach((word, i) => {
    const before = words[i - 1]
    if (word === 'pause') expect([undefined, 'resume']).toContain(before)
    if (word === 'resume') expect(before).toBe('pause')
    if (word === 'cancel') expect(i).toBe(words.length - 1)
  })
}

/** A producer who numbers its chunks and remembers which of them the body took. */
class Producer {
  readonly told: string[] = []
  readonly channel: BodyChannel
  readonly sent: number[] = []
  finish: 'open' | 'end' | 'fail' | 'cancel' = 'open'
  /** How much the source had heard when the body was finished. */
  toldAtFinish = 0

  constructor() {
    const { channel, told } = recorded()
    this.channel = channel
    this.told = told
  }

  push(size: number): void {
    const chunk = new Uint8Array(size).fill(this.sent.length % 251)
    if (this.finish === 'open' && size > 0) this.sent.push(size)
    this.channel.push(chunk)
  }

  close(how: 'end' | 'fail' | 'cancel'): void {
    if (this.finish === 'open') {
      this.finish = how
      this.toldAtFinish = this.told.length + (how === 'cancel' ? 1 : 0)
    } else if (how === 'cancel') this.finish = 'cancel'
    if (how === 'end') this.channel.end()
    else if (how === 'fail') this.channel.fail(new Error('cut'))
    else this.channel.cancel('reason')
  }
}

describe('in any order of events', () => {
  it('a sink gets all chunks in order and one end, and the source is driven sensibly', () => {
    fc.assert(
      fc.property(steps, fc.array(fc.boolean(), { minLength: 1 }), (script, answers) => {
        const producer = new Producer()
        const { channel } = producer
        const seen: (number | string)[] = []
        let blocked = false
        let writes = 0
        let reading = false
        const sink: BodySink = {
          write(chunk) {
            expect(blocked).toBe(false)
            expect(chunk.every((byte) => byte === writes % 251)).toBe(true)
            seen.push(chunk.length)
            blocked = answers[writes++ % answers.length] === false
            return !blocked
          },
          end: () => seen.push('end'),
          fail: (error) => seen.push((error as Error).message),
        }
        const resume = (): void => {
          blocked = false
          channel.resume()
        }
        const read = (): void => {
          if (!reading) channel.pipe(sink)
          reading = true
        }
        for (const now of script) {
          if (now.do === 'push') producer.push(now.size)
          else if (now.do === 'end' || now.do === 'fail' || now.do === 'cancel') producer.close(now.do)
          else if (now.do === 'read') read()
          else resume()
          if (blocked && producer.finish === 'open') expect(channel.paused).toBe(true)
        }
        const cancelledUnread = producer.finish === 'cancel' && !reading
        const cancelledAfter = producer.finish === 'cancel' ? seen.length : undefined
        producer.close('end')
        read()
        for (let i = 0; i < producer.sent.length + 1; i++) resume()

        expectSensible(producer.told)
        expect(producer.told).toHaveLength(producer.toldAtFinish)
        if (cancelledUnread) expect(seen).toEqual(['this body was cancelled before it was read'])
        else if (cancelledAfter !== undefined) expect(seen).toHaveLength(cancelledAfter)
        else expect(seen).toEqual([...producer.sent, producer.finish === 'fail' ? 'cut' : 'end'])
      }),
      runs,
    )
  })

  it('an iterator gets all chunks in order and one end, and the source is driven sensibly', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (script) => {
        const producer = new Producer()
        const { channel } = producer
        const iterator = channel[Symbol.asyncIterator]()
        const asked: Promise<number | string>[] = []
        const next = (): void => {
          const answer = iterator.next().then(
            ({ done, value }) => (done ? 'end' : (value as Uint8Array).length),
            (error: Error) => error.message,
          )
          asked.push(answer)
        }
        for (const now of script) {
          if (now.do === 'push') producer.push(now.size)
          else if (now.do === 'end' || now.do === 'fail' || now.do === 'cancel') producer.close(now.do)
          else if (now.do === 'return') {
            if (producer.finish === 'open') producer.toldAtFinish = producer.told.length + 1
            producer.finish = 'cancel'
            expect(await iterator.return?.()).toEqual({ done: true, value: undefined })
          } else next()
          await Promise.resolve()
        }
        const { finish } = producer
        producer.close('end')
        for (let i = 0; i < producer.sent.length + 2; i++) next()

        const seen = await Promise.all(asked)
        const chunks = seen.filter((item) => typeof item === 'number')
        const rest = seen.slice(chunks.length)
        expectSensible(producer.told)
        expect(producer.told.slice(producer.toldAtFinish)).toEqual([])
        expect(rest.slice(1).every((item) => item === 'end')).toBe(true)
        if (finish === 'cancel') expect(producer.sent.slice(0, chunks.length)).toEqual(chunks)
        else {
          expect(chunks).toEqual(producer.sent)
          expect(rest[0]).toBe(finish === 'fail' ? 'cut' : 'end')
        }
        expect(channel.buffered).toBe(0)
      }),
      runs,
    )
  })
})
