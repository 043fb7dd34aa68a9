import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { modelFolder } from '../test/model-file.ts'
import { longWordReply, promptOf } from '../test/prompts.ts'
import { isAlive, until, watchedEngine } from '../test/watched-engine.ts'
import type { EngineOptions } from './engine-options.ts'
import { checkGguf } from './gguf-check.ts'
import { tinyGguf } from './tiny-gguf.ts'

const file = modelFolder()
const slow = file('slow.gguf', { blocks: 64 })
const failed = 'SPILLWAY_LOCAL_ENGINE_FAILED'

function engineOf(options: EngineOptions) {
  const watched = watchedEngine({ contextSize: 512, ...options })
  onTestFinished(() => watched.engine.close())
  return watched
}

async function answerOf(engine: ReturnType<typeof engineOf>['engine'], text = 'Hello?'): Promise<string> {
  let answer = ''
  const prompt = promptOf({ turns: [{ role: 'user', text }] })
  await engine.generate(prompt, { text: (piece) => (answer += piece) })
  return answer
}

/** The tiny model with the number at a key replaced. */
function withNumber(key: string, value: number): Uint8Array {
  const copy = Buffer.from(tinyGguf())
  copy.writeUInt32LE(value, copy.indexOf(key) + key.length + 4)
  return copy
}

describe('the process of an engine', () => {
  it('that is killed in the middle of an answer fails that call alone; the next one is answered', async () => {
    const { engine, pids } = engineOf({ modelPath: slow })
    let pieces = 0
    const text = (): void => {
      if (++pieces === 3) process.kill(pids[0] as number, 'SIGKILL')
    }
    await expect(engine.generate(promptOf(), { text })).rejects.toMatchObject({
      code: failed,
      message: 'the local model slow failed: its process has ended with SIGKILL',
    })
    expect(await answerOf(engine)).toMatch(/^This answer/)
    expect(pids).toHaveLength(2)
  })

  it('takes nothing with it when a model aborts it, although its header looks sound', async () => {
    const modelPath = file('aborts.gguf', withNumber('llama.feed_forward_length', 0))
    await checkGguf(modelPath)
    const { engine, pids } = engineOf({ modelPath })
    await expect(engine.load()).rejects.toMatchObject({
      code: failed,
      message: 'the local model aborts failed: its process has ended with SIGABRT',
      cause: { message: expect.stringContaining('GGML_ASSERT') },
    })
    expect(isAlive(pids[0] as number)).toBe(false)
  })

  it('takes nothing with it when a prompt aborts it', async () => {
    const copy = Buffer.from(tinyGguf())
    // The first byte of most emoji has no token.
    copy.write('{', copy.indexOf('<0xF0>'))
    const { engine } = engineOf({ modelPath: file('no-emoji.gguf', copy) })
    expect(await answerOf(engine)).toMatch(/^This answer/)
    await expect(answerOf(engine, '🎉')).rejects.toMatchObject({
      code: failed,
      cause: { message: expect.stringContaining('std::out_of_range') },
    })
    expect(await answerOf(engine)).toMatch(/^This answer/)
  })

  it('is gone when the engine has closed', async () => {
    const { engine, pids } = engineOf({ modelPath: slow })
    await engine.load()
    expect(isAlive(pids[0] as number)).toBe(true)
    await engine.close()
    expect(isAlive(pids[0] as number)).toBe(false)
  })

  it('is not kept for a model that cannot be loaded', async () => {
    const { engine, pids } = engineOf({ modelPath: '/nowhere/gone.gguf' })
    await expect(engine.load()).rejects.toMatchObject({ code: 'SPILLWAY_LOCAL_MODEL_INVALID' })
    await until(() => !isAlive(pids[0] as number))
  })

  it('lives through the signals by which a terminal or a supervisor ends the one that started it', async () => {
    const { engine, pids } = engineOf({ modelPath: slow })
    let pieces = 0
    const text = (): void => {
      pieces++
      const signal = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const)[pieces]
      if (signal !== undefined) process.kill(pids[0] as number, signal)
    }
    expect(await engine.generate(promptOf(), { text })).toMatchObject({ stop: 'end', outputTokens: 14 })
  })
})

it('the process of an engine opens no inspector at SIGUSR1', async () => {
  const { engine, pids } = engineOf({ modelPath: slow })
  await engine.load()
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) process.kill(pids[0] as number, signal)
  expect(await answerOf(engine)).toMatch(/^This answer/)
  await expect(fetch('http://127.0.0.1:9229/json/version')).rejects.toThrow()
  expect(pids).toHaveLength(1)
})

describe('a program that has used an engine', () => {
  const modelPath = file('program.gguf', { reply: longWordReply })

  /** Starts the program, and resolves with the id of its engine's process when it has had its first answer. */
  async function start(
    then: string,
  ): Promise<{ program: ChildProcess; pid: number; ended: Promise<unknown> }> {
    const script = fileURLToPath(new URL('../test/engine-parent.ts', import.meta.url))
    const program = spawn(process.execPath, ['--conditions=@spillway/source', script, modelPath, then], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void program.kill('SIGKILL'))
    const ended = new Promise((resolve) => program.on('exit', (code, signal) => resolve(code ?? signal)))
    let output = ''
    program.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text))
    await until(() => output.includes('\n') || program.exitCode !== null)
    const [, pid] = /^(\d+) end\n/.exec(output) ?? []
    return { program, pid: Number(pid), ended }
  }

  it('ends by itself, and its engine with it', async () => {
    const { pid, ended } = await start('end')
    expect(await ended).toBe(0)
    await until(() => !isAlive(pid))
  })

  it.each(['idle', 'busy'])('leaves no process behind when it is killed while that is %s', async (then) => {
    const { program, pid, ended } = await start(then)
    expect(isAlive(pid)).toBe(true)
    program.kill('SIGKILL')
    await ended
    await until(() => !isAlive(pid), 3000)
  })
})
