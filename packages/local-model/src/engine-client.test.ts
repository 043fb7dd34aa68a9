import { virtualClock } from '@spillway/testing'
import { describe, expect, it, vi } from 'vitest'
import { promptOf } from '../test/model-file.ts'
import { EngineClient } from './engine-client.ts'
import type { FromEngine, ToEngine } from './engine-messages.ts'
import type { EngineOptions } from './engine-options.ts'
import type { EngineProcess, ProcessListener } from './engine-process.ts'

/** A process that does what the test says. */
class FakeProcess implements EngineProcess {
  readonly pid = 1
  readonly sent: ToEngine[] = []
  readonly #ended = Promise.withResolvers<void>()
  readonly ended = this.#ended.promise
  readonly listener: ProcessListener
  isHeld = false
  isKilled = false
  onSend: (message: ToEngine) => Promise<void> = async () => {}

  constructor(listener: ProcessListener) {
    this.listener = listener
  }

  send(message: ToEngine): Promise<void> {
    this.sent.push(message)
    return this.onSend(message)
  }

  hold(isHeld: boolean): void {
    this.isHeld = isHeld
  }

  kill(): void {
    this.isKilled = true
    this.end('has ended with SIGKILL')
  }

  end(how: string, complaint = ''): void {
    this.#ended.resolve()
    this.listener.gone(how, complaint)
  }

  say(message: FromEngine): void {
    this.listener.message(message)
  }

  types(): string[] {
    return this.sent.map(({ type }) => type)
  }
}

function setUp(options: Partial<EngineOptions> = {}) {
  const clock = virtualClock()
  const processes: FakeProcess[] = []
  const start = (listener: ProcessListener): FakeProcess => {
    processes.push(new FakeProcess(listener))
    return processes.at(-1) as FakeProcess
  }
  const engine = new EngineClient({ modelPath: 'models/tiny.gguf', ...options }, { clock, start })
  const process = (): FakeProcess => processes.at(-1) as FakeProcess
  const ask = (signal?: AbortSignal) => engine.generate(promptOf(), { text() {} }, signal)
  return { clock, engine, processes, process, ask }
}

const failed = 'SPILLWAY_LOCAL_ENGINE_FAILED'
const done = { inputTokens: 1, outputTokens: 1, stop: 'end' } as const

describe('a process', () => {
  it('is started by the first use, holds this one while calls wait, and only then', async () => {
    const { processes, process, ask } = setUp()
    expect(processes).toEqual([])
    const call = ask()
    expect(process().types()).toEqual(['open', 'call'])
    expect(process().isHeld).toBe(true)
    process().say({ type: 'done', id: 0, value: done })
    expect(await call).toEqual(done)
    expect(process().isHeld).toBe(false)
    void ask()
    expect(processes).toHaveLength(1)
  })

  it('that crashes fails the calls in flight, and another one is started at once', async () => {
    const { processes, process, ask } = setUp()
    const calls = [ask(), ask()]
    process().end('has ended with SIGABRT', 'GGML_ASSERT(n > 0) failed')
    for (const call of calls) {
      const error = await call.catch((thrown: Error) => thrown)
      expect(error).toMatchObject({ code: failed, cause: new Error('GGML_ASSERT(n > 0) failed') })
      expect(error).toHaveProperty(
        'message',
        'the local model tiny failed: its process has ended with SIGABRT',
      )
    }
    void ask().catch(() => {})
    expect(processes).toHaveLength(2)
  })

  it('that crashes again and again is started ever later, a minute at most, until it works', async () => {
    const { clock, processes, process, ask } = setUp()
    const crash = async (): Promise<void> => {
      const call = ask()
      process().end('has ended with SIGSEGV')
      await expect(call).rejects.toMatchObject({ code: failed })
    }
    await crash()
    for (const seconds of [1, 2, 4, 8, 16, 32, 60, 60]) {
      await crash()
      const count = processes.length
      await clock.advance(seconds * 1000 - 1)
      await expect(ask()).rejects.toThrow(
        `the local model tiny has crashed ${count} times in a row; it is started again in 1 s at the earliest`,
      )
      expect(processes).toHaveLength(count)
      await clock.advance(1)
    }
    const call = ask()
    process().say({ type: 'done', id: 9, value: done })
    await call
    await crash()
    void ask().catch(() => {})
    expect(processes).toHaveLength(11)
  })

  it('that shows no sign of life for half a minute is killed', async () => {
    const { clock, processes, process, ask } = setUp()
    const call = ask()
    call.catch(() => {})
    const [first] = processes as [FakeProcess]
    for (let i = 0; i < 20; i++) {
      await clock.advance(5000)
      first.say({ type: 'pong' })
    }
    expect(first.isKilled).toBe(false)
    await clock.advance(34_000)
    expect(first.isKilled).toBe(false)
    await clock.advance(1000)
    await expect(call).rejects.toThrow('the local model tiny failed: its process has hung for 30 s')
    expect(first.isKilled).toBe(true)
    void ask().catch(() => {})
    expect(process()).not.toBe(first)
  })

  it('is left alone, and this one without a timer, while nobody waits', async () => {
    const { clock, process, ask } = setUp()
    const leaver = new AbortController()
    const call = ask(leaver.signal)
    leaver.abort(new Error('gone'))
    await expect(call).rejects.toThrow('gone')
    expect(process().isHeld).toBe(false)
    expect(clock.pending).toBe(0)
    await clock.advance(1_000_000)
    expect(process().isKilled).toBe(false)
  })

  it('in which the model could not be loaded is not kept', async () => {
    const { processes, process, ask } = setUp()
    const calls = [ask(), ask()]
    const [first] = processes as [FakeProcess]
    const failure = { type: 'failed', code: failed, message: 'no', cause: 'why', isEmpty: true } as const
    first.say({ ...failure, id: 0 })
    expect(first.isKilled).toBe(false)
    first.say({ ...failure, id: 1 })
    expect(first.isKilled).toBe(true)
    for (const call of calls)
      await expect(call).rejects.toMatchObject({ message: 'no', cause: new Error('why') })
    void ask().catch(() => {})
    expect(process()).not.toBe(first)
  })

  it('that cannot be started is an error that says so', async () => {
    const start = vi.fn(() => {
      throw new Error('spawn EAGAIN')
    })
    const engine = new EngineClient({ modelPath: 'a.gguf' }, { clock: virtualClock(), start })
    await expect(engine.load()).rejects.toThrow('the local model a cannot start its process: spawn EAGAIN')
    await engine.load().catch(() => {})
    await expect(engine.load()).rejects.toThrow('has crashed 2 times in a row')
  })
})

describe('a call', () => {
  it('hears everything in its order, and nothing that is not its own', async () => {
    const { engine, process } = setUp()
    const heard: unknown[] = []
    const body = { api: 'openai', operation: 'generate', bytes: new Uint8Array(3) } as const
    const read = (facts: unknown) => heard.push(facts)
    const call = engine.generate(body, { read, started: (n) => heard.push(n), text: (t) => heard.push(t) })
    const facts = { losses: ['tools'], includeUsage: true }
    process().say({ type: 'read', id: 0, facts })
    process().say({ type: 'started', id: 0, inputTokens: 7 })
    process().say({ type: 'text', id: 1, text: 'not mine' })
    process().say({ type: 'text', id: 0, text: 'mine' })
    process().say({ type: 'done', id: 0, value: done })
    await call
    process().say({ type: 'text', id: 0, text: 'late' })
    expect(heard).toEqual([facts, 7, 'mine'])
  })

  it('sends its body part by part, each when the one before has left', async () => {
    const { engine, process } = setUp()
    void engine.load().catch(() => {})
    const waiting: (() => void)[] = []
    process().onSend = () => new Promise((resolve) => waiting.push(resolve))
    const bytes = new Uint8Array(600_000).map((_, index) => index)
    void engine.countTokens({ api: 'anthropic', operation: 'count_tokens', bytes }).catch(() => {})
    const parts = () => process().sent.flatMap((message) => (message.type === 'part' ? [message.bytes] : []))
    const announced = { api: 'anthropic', operation: 'count_tokens', length: 600_000 }
    expect(process().sent.at(2)).toEqual({ type: 'call', id: 1, ask: 'count', prompt: announced })
    expect(parts()).toHaveLength(1)
    while (parts().length < 3) {
      for (const sent of waiting.splice(0)) sent()
      await new Promise(setImmediate)
    }
    expect(Buffer.concat(parts())).toEqual(Buffer.from(bytes))
  })

  it('that is aborted ends at once, tells the process, and sends no more of its body', async () => {
    const { engine, process } = setUp()
    const leaver = new AbortController()
    const bytes = new Uint8Array(10_000_000)
    const call = engine.countTokens({ api: 'openai', operation: 'count_tokens', bytes }, leaver.signal)
    leaver.abort(new Error('gone'))
    await expect(call).rejects.toThrow('gone')
    expect(process().types()).toEqual(['open', 'call', 'part', 'abort'])
  })

  it('takes a place until the process has let go of it; too many are refused', async () => {
    const { process, ask } = setUp({ parallel: 1, maxQueued: 1 })
    const leaver = new AbortController()
    const first = ask(leaver.signal)
    const second = ask()
    leaver.abort(new Error('gone'))
    await expect(first).rejects.toThrow('gone')
    await expect(ask()).rejects.toMatchObject({
      code: 'SPILLWAY_LOCAL_ENGINE_BUSY',
      message:
        'the local model tiny is busy: 2 calls are in flight or wait, as many as parallel and maxQueued allow',
    })
    process().say({ type: 'failed', id: 0, code: failed, message: 'left', cause: undefined, isEmpty: false })
    const third = ask()
    process().say({ type: 'done', id: 1, value: done })
    process().say({ type: 'done', id: 2, value: done })
    expect(await Promise.all([second, third])).toEqual([done, done])
  })

  it('whose listener throws is rejected with that, and stopped', async () => {
    const { engine, process } = setUp()
    const text = (): void => {
      throw new Error('the sink is broken')
    }
    const call = engine.generate(promptOf(), { text })
    process().say({ type: 'text', id: 0, text: 'x' })
    await expect(call).rejects.toThrow('the sink is broken')
    expect(process().types()).toEqual(['open', 'call', 'abort'])
  })

  it('is refused by a closed engine, which waits for its process, but not for ever', async () => {
    const { clock, engine, process, ask } = setUp()
    const call = ask()
    process().kill = () => {}
    const closing = engine.close()
    await expect(call).rejects.toMatchObject({ code: 'SPILLWAY_LOCAL_ENGINE_CLOSED' })
    await expect(ask()).rejects.toMatchObject({ code: 'SPILLWAY_LOCAL_ENGINE_CLOSED' })
    await clock.advance(5000)
    await closing
    expect(clock.pending).toBe(0)
  })
})
