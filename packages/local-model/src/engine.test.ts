import { afterAll, describe, expect, it, vi } from 'vitest'
import { modelFolder, promptOf } from '../test/model-file.ts'
import { type Engine, openEngine } from './engine.ts'

const reply = 'This answer comes from a local model, because Claude did not answer in time.'
const file = modelFolder()
const engines: Engine[] = []
const quiet = [vi.spyOn(console, 'log'), vi.spyOn(console, 'warn'), vi.spyOn(console, 'error')]
const quick = open({ modelPath: file('quick.gguf', {}), parallel: 4 })
const slow = open({ modelPath: file('slow.gguf', { blocks: 128 }), parallel: 1, contextSize: 512 })

afterAll(() => Promise.all(engines.map((engine) => engine.close())))

function open(options: Parameters<typeof openEngine>[0]): Engine {
  const engine = openEngine(options)
  engines.push(engine)
  return engine
}

async function say(
  engine: Engine,
  changes = {},
  signal?: AbortSignal,
): Promise<{ text: string; stop: string }> {
  let text = ''
  const completion = await engine.generate(promptOf(changes), { text: (piece) => (text += piece) }, signal)
  return { ...completion, text }
}

describe('the engine', () => {
  it('answers piece by piece, with the tokens counted', async () => {
    const pieces: string[] = []
    const started = vi.fn()
    const completion = await quick.generate(promptOf(), { started, text: (piece) => pieces.push(piece) })
    expect(pieces.join('')).toBe(reply)
    expect(pieces.length).toBeGreaterThan(10)
    // Thirteen pieces and the end mark.
    expect(completion).toEqual({ inputTokens: expect.any(Number), outputTokens: 14, stop: 'end' })
    expect(started.mock.calls).toEqual([[completion.inputTokens]])
    expect(await quick.countTokens(promptOf().turns)).toBe(completion.inputTokens)
  })

  it('stops at maxTokens, 0 included', async () => {
    expect(await say(quick, { maxTokens: 3 })).toMatchObject({
      text: 'This answer comes',
      outputTokens: 3,
      stop: 'max_tokens',
    })
    expect(await say(quick, { maxTokens: 0 })).toMatchObject({
      text: '',
      outputTokens: 0,
      stop: 'max_tokens',
    })
  })

  it('stops before a stop sequence that begins and ends inside tokens', async () => {
    const stop = ['never said', 'cal mod']
    expect(await say(quick, { stop })).toMatchObject({
      text: 'This answer comes from a lo',
      stop: 'stop_sequence',
      stopSequence: 'cal mod',
    })
    expect((await say(quick, { stop: ['time!'] })).text).toBe(reply)
  })

  it('says that the context ended the answer, and refuses a prompt beyond it', async () => {
    const room = 513 - (await slow.countTokens([{ role: 'user', text: 'x' }]))
    const long = (length: number) => ({ turns: [{ role: 'user', text: 'x'.repeat(length) }] })
    expect(await say(slow, long(room - 6))).toMatchObject({ text: 'This answer comes from', stop: 'context' })
    await expect(say(slow, long(room))).rejects.toMatchObject({
      code: 'SPILLWAY_LOCAL_PROMPT_TOO_LONG',
      message: 'prompt is too long: 512 tokens > 509 maximum (the local model slow)',
    })
  })

  it('keeps the turns of parallel calls apart', async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        say(quick, { turns: [{ role: 'user', text: 'a'.repeat(i) }], maxTokens: 2 + i }),
      ),
    )
    const lengths = answers.map(({ text }) => text.length)
    expect(lengths).toEqual([...lengths].sort((a, b) => a - b))
    expect(answers.every(({ text }) => reply.startsWith(text))).toBe(true)
  })
})

describe('calls beyond the number of sequences', () => {
  it('wait for their turn, in order', async () => {
    const order: number[] = []
    await Promise.all([1, 2, 3].map((n) => say(slow).then(() => order.push(n))))
    expect(order).toEqual([1, 2, 3])
  })

  it('stop waiting at once when they are aborted', async () => {
    const first = say(slow)
    const leaver = new AbortController()
    const second = say(slow, {}, leaver.signal)
    const third = say(slow)
    leaver.abort(new Error('left the queue'))
    await expect(second).rejects.toThrow('left the queue')
    expect((await Promise.all([first, third])).map(({ text }) => text)).toEqual([reply, reply])
  })

  it('an abort in the middle of an answer stops it and frees the sequence', async () => {
    const leaver = new AbortController()
    const pieces: string[] = []
    const text = (piece: string): void => {
      pieces.push(piece)
      if (pieces.length === 3) leaver.abort(new Error('left in the middle'))
    }
    await expect(slow.generate(promptOf(), { text }, leaver.signal)).rejects.toThrow('left in the middle')
    expect((await say(slow)).text).toBe(reply)
    expect(pieces).toHaveLength(3)
  })

  it('an abort while the prompt is read does not wait for it', { retry: 2 }, async () => {
    await say(slow)
    const leaver = new AbortController()
    const call = say(slow, { turns: [{ role: 'user', text: 'x'.repeat(450) }] }, leaver.signal)
    let from = 0
    setTimeout(() => {
      from = performance.now()
      leaver.abort(new Error('left early'))
    }, 10)
    await expect(call).rejects.toThrow('left early')
    expect(performance.now() - from).toBeLessThan(90)
    expect((await say(slow)).text).toBe(reply)
  })
})

describe('loading and closing', () => {
  it('loads once for many callers, and prints nothing', async () => {
    const engine = open({ modelPath: file('once.gguf', {}), contextSize: 512 })
    await Promise.all([engine.load(), engine.load(), say(engine)])
    for (const spy of quiet) expect(spy).not.toHaveBeenCalled()
  })

  it('a closed engine refuses, and turns away what it was doing', async () => {
    const engine = open({ modelPath: file('closing.gguf', { blocks: 64 }), contextSize: 512, parallel: 1 })
    await engine.load()
    const calls = [say(engine), say(engine)]
    const closing = engine.close()
    const closed = { code: 'SPILLWAY_LOCAL_ENGINE_CLOSED' }
    await Promise.all(calls.map((call) => expect(call).rejects.toMatchObject(closed)))
    await closing
    await expect(say(engine)).rejects.toMatchObject(closed)
    await engine.close()
  })

  it('an engine that was never used closes without loading', async () => {
    await openEngine({ modelPath: '/nowhere.gguf' }).close()
  })

  it('a call that is aborted already does not load the model', async () => {
    const engine = openEngine({ modelPath: '/nowhere.gguf' })
    await expect(say(engine, {}, AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone')
  })
})
