import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startClaude } from '@spillway/testing'

const program = fileURLToPath(new URL('../../../gateway/bin/spillway.js', import.meta.url))

const usage = `Usage: pnpm prove shedding [--seconds 15] [--check]

Interactive and batch calls arrive at a gateway whose upstream takes 100 a second: interactive ones alone, then both at three times what it
takes, first without priorities and load shedding. With them interactive calls are answered (5 % of a burst may be
refused) and their p99 stays within twice that of before.`

/** What the upstream takes: so many calls at a time, each of so many milliseconds. */
const places = 50
const takes = 500
/** Calls a second. */
const rates = { interactive: 30, batch: 270 } as const

type Kind = keyof typeof rates
const kinds: readonly Kind[] = ['interactive', 'batch']

interface Counts {
  readonly times: number[]
  refused: number
  failed: number
}

/** Proves that interactive calls are answered while batch calls are shed; resolves with the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: '15' },
      check: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  if (values.help) {
    console.log(usage)
    return 0
  }
  const seconds = Number(values.seconds)
  const alone = await measured('unloaded', seconds, ['interactive'], true)
  const without = await measured('3x, not shed', seconds, kinds, false)
  const shed = await measured('3x, shed', seconds, kinds, true)
  const p99 = (counts: Counts): number => quantile(counts.times, 0.99)
  const answered = shed.interactive.times.length + shed.batch.times.length
  const findings = [
    ...(p99(shed.interactive) > 2 * p99(alone.interactive)
      ? [`p99 of interactive calls rose from ${p99(alone.interactive)} to ${p99(shed.interactive)} ms`]
      : []),
    ...(shed.interactive.refused > 0.05 * shed.interactive.times.length || shed.interactive.failed > 0
      ? [`${shed.interactive.refused} interactive calls were refused, ${shed.interactive.failed} failed`]
      : []),
    ...(shed.batch.refused === 0 || shed.batch.failed > 0 ? ['batch calls failed, or none was shed'] : []),
    ...(answered < 0.6 * (places / takes) * 1_000 * seconds ? [`only ${answered} calls were answered`] : []),
    ...(p99(without.interactive) < 2 * p99(alone.interactive) ? ['the load was none without shedding'] : []),
  ]
  for (const finding of findings) console.error(`finding: ${finding}`)
  return values.check && findings.length > 0 ? 1 : 0
}

async function measured(
  name: string,
  seconds: number,
  sent: readonly Kind[],
  isShedding: boolean,
): Promise<Readonly<Record<Kind, Counts>>> {
  await using claude = await startClaude({
    record: false,
    fault: () => ({ type: 'slow-headers', ms: takes }),
  })
  await using gateway = await started(claude.url, isShedding)
  const counts = {
    interactive: { times: [] as number[], refused: 0, failed: 0 },
    batch: { times: [] as number[], refused: 0, failed: 0 },
  }
  const call = async (kind: Kind): Promise<void> => {
    const begun = performance.now()
    try {
      const response = await fetch(`${gateway.url}/v1/messages`, {
        method: 'POST',
        headers: isShedding ? { 'x-spillway-priority': kind } : {},
        body: JSON.stringify({
          ...{ model: 'claude-sonnet-5-5', max_tokens: 64 },
          messages: [{ role: 'user', content: 'Hi' }],
        }),
      })
      await response.arrayBuffer()
      if (response.status === 200) counts[kind].times.push(performance.now() - begun)
      else if (response.status === 529) counts[kind].refused++
      else counts[kind].failed++
    } catch {
      counts[kind].failed++
    }
  }
  const running: Promise<void>[] = []
  const begun = performance.now()
  const due = { interactive: 0, batch: 0 }
  while (performance.now() - begun < seconds * 1_000) {
    const elapsed = (performance.now() - begun) / 1_000
    for (const kind of sent) for (; due[kind] < elapsed * rates[kind]; due[kind]++) running.push(call(kind))
    await delay(5)
  }
  await Promise.all(running)
  const columns = sent.map((kind) => {
    const { times, refused, failed } = counts[kind]
    const [p50, p99] = [0.5, 0.99].map((share) => Math.round(quantile(times, share)))
    return `${kind}: ${times.length} answered, p50 ${p50} ms, p99 ${p99} ms, ${refused} refused, ${failed} failed`
  })
  console.log(`${name.padEnd(14)}${columns.join('; ')}`)
  return counts
}

async function started(upstream: string, isShedding: boolean) {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-shedding-'))
  const file = join(folder, 'spillway.yaml')
  writeFileSync(
    file,
    `
${isShedding ? `server: { loadShedding: { maxInFlight: ${places} } }` : ''}
targets: { claude: { api: anthropic, endpoints: [{ url: "${upstream}", credential: "env:SHEDDING_KEY" }] } }
routes: [{ models: "*", target: claude }]
rateLimit: { concurrency: ${places}, maxQueued: 100000, maxWait: 5m }
retry: { attempts: 1 }
`,
  )
  const child = spawn(process.execPath, [program, 'start', '--quiet', '--config', file, '--port', '0'], {
    env: { ...process.env, SHEDDING_KEY: 'sk-of-the-proof' },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    out += piece
  })
  let url: string | undefined
  while (url === undefined) {
    if (child.exitCode !== null) throw new Error('the gateway did not start')
    await delay(20)
    url = /listening on (\S+)/.exec(out)?.[1]
  }
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await new Promise((resolve) => child.once('exit', resolve))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function quantile(times: readonly number[], share: number): number {
  return times.toSorted((a, b) => a - b)[Math.ceil(share * times.length) - 1] ?? Number.NaN
}
