import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startClaude } from '@spillway/testing'

const program = fileURLToPath(new URL('../../../gateway/bin/spillway.js', import.meta.url))

const usage = `Usage: pnpm prove reload [--minutes 2] [--streams 200] [--rate 300] [--every 5] [--check]

Streams and calls go on while a good and a bad configuration are written in turn. No call may fail, no stream may be cut, and a
circuit that was open when it began is open at the end.`

const body = (model: string, stream: boolean): string =>
  JSON.stringify({ model, max_tokens: 64, stream, messages: [{ role: 'user', content: 'Hi' }] })

/** Reloads a gateway under load; resolves with the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const number = (fallback: string) => ({ type: 'string', default: fallback }) as const
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...{ minutes: number('2'), streams: number('200'), rate: number('300'), every: number('5') },
      ...{ check: { type: 'boolean' }, help: { type: 'boolean' } },
    },
  })
  if (values.help) {
    console.log(usage)
    return 0
  }
  const { check = false } = values
  const [minutes, streams, rate, every] = [values.minutes, values.streams, values.rate, values.every].map(
    Number,
  )
  const settings = { minutes: minutes ?? 2, streams: streams ?? 200, rate: rate ?? 300, every: every ?? 5 }
  const findings = await prove(settings)
  for (const finding of findings) console.error(`finding: ${finding}`)
  return check && findings.length > 0 ? 1 : 0
}

interface Settings {
  readonly minutes: number
  readonly streams: number
  readonly rate: number
  readonly every: number
}

async function prove({ minutes, streams, rate, every }: Settings): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-reload-'))
  await using good = await startClaude({ record: false })
  await using streaming = await startClaude({ record: false, chunks: 40, chunkDelayMs: 100 })
  await using broken = await startClaude({ record: false, fault: () => ({ type: 'status', status: 500 }) })
  const file = join(folder, 'spillway.yaml')
  const target = (url: string, more = ''): string =>
    `{ api: anthropic, endpoints: [{ url: "${url}", credential: "env:RELOAD_KEY" }]${more} }`
  /** `version` is in one target, so that it is another one each time. */
  const config = (version: number): string => `
targets:
  calls: ${target(good.url, `, timeouts: { idle: ${60 + version}s }`)}
  streams: ${target(streaming.url, `, timeouts: { idle: ${60 + version}s }`)}
  broken: ${target(broken.url, ', retry: { attempts: 1 }, circuitBreaker: { minimumCalls: 3, openFor: 1h }')}
routes:
  - { models: stream, target: streams }
  - { models: broken, target: broken, fallback: [calls] }
  - { models: "*", target: calls }
`
  writeFileSync(file, config(0))
  const gateway = spawn(process.execPath, [program, 'start', '--quiet', '--config', file, '--port', '0'], {
    env: { ...process.env, RELOAD_KEY: 'sk-of-the-proof' },
  })
  const text = { out: '', err: '' }
  gateway.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text.out += piece
  })
  gateway.stderr.setEncoding('utf8').on('data', (piece: string) => {
    text.err += piece
  })
  try {
    const url = await addressOf(gateway, () => text.out)
    const ask = (model: string): Promise<Response> =>
      fetch(`${url}/v1/messages`, { method: 'POST', body: body(model, model === 'stream') })
    const counts = { calls: 0, streams: 0, failed: 0, cut: 0, good: 0, bad: 0 }
    /** Why, and how often: an overloaded machine fails in other ways than a reload does. */
    const reasons = new Map<string, number>()
    const note = (reason: string): void => {
      const short = reason.slice(-160)
      if (reasons.has(short) || reasons.size < 20) reasons.set(short, (reasons.get(short) ?? 0) + 1)
    }
    for (let call = 0; call < 6; call++) await (await ask('broken')).text()
    const end = performance.now() + minutes * 60_000
    const isOver = (): boolean => performance.now() >= end
    const streaming = Array.from({ length: streams }, async () => {
      while (!isOver()) {
        counts.streams++
        const said = await ask('stream')
          .then((response) => response.text())
          .catch(String)
        if (said.includes('message_stop')) continue
        counts.cut++
        note(said.replace(/"(?:call_|request_)?id":"[^"]*"/g, ''))
      }
    })
    const calling = (async () => {
      const running = new Set<Promise<void>>()
      while (!isOver()) {
        for (let call = 0; call < rate / 20; call++) {
          counts.calls++
          const answered = ask('call').then(
            async (response) => {
              const said = await response.text()
              if (response.status === 200) return
              counts.failed++
              note(`${response.status} ${said}`)
            },
            (error: unknown) => {
              counts.failed++
              note(String((error as { cause?: unknown }).cause ?? error))
            },
          )
          running.add(answered)
          void answered.finally(() => running.delete(answered))
        }
        await delay(50)
      }
      await Promise.all(running)
    })()
    for (let round = 1; !isOver(); round++) {
      await delay(Math.min(every * 1000, Math.max(0, end - performance.now())))
      const isGood = round % 2 === 1
      counts[isGood ? 'good' : 'bad']++
      writeFileSync(file, isGood ? config(round) : config(round).replace('api: anthropic', 'api: nonsense'))
      if (round % 3 === 0) gateway.kill('SIGHUP')
    }
    await Promise.all([...streaming, calling])
    const last = await ask('broken')
    await last.text()
    console.log(JSON.stringify(counts))
    for (const [reason, times] of reasons) console.log(`${times} times: ${reason}`)
    return [
      ...(counts.failed > 0 ? [`${counts.failed} of ${counts.calls} calls failed`] : []),
      ...(counts.cut > 0 ? [`${counts.cut} of ${counts.streams} streams were cut`] : []),
      ...(last.headers.get('x-spillway-fallback') === 'circuit_open'
        ? []
        : ['the open circuit was forgotten']),
      ...(counts.bad > 1 && !text.err.includes('was not taken') ? ['no bad file was refused'] : []),
      ...(counts.good > 1 && !text.out.includes('was read again') ? ['no good file was taken'] : []),
    ]
  } finally {
    gateway.kill('SIGKILL')
    rmSync(folder, { recursive: true })
  }
}

async function addressOf(gateway: ChildProcess, said: () => string): Promise<string> {
  for (let look = 0; look < 200 && gateway.exitCode === null; look++) {
    const url = /listening on (\S+)/.exec(said())?.[1]
    if (url !== undefined) return url
    await delay(100)
  }
  throw new Error('the gateway did not start')
}
