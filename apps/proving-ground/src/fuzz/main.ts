import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type FuzzResult, fuzz, type Progress } from './run.ts'

const folder = fileURLToPath(new URL('../../findings', import.meta.url))

/** `pnpm prove fuzz`: resolves with the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const { values: options } = parseArgs({
    args: [...args],
    options: {
      requests: { type: 'string', default: '20000' },
      seed: { type: 'string', default: '1' },
      concurrency: { type: 'string', default: '64' },
      only: { type: 'string' },
      replay: { type: 'string' },
      keep: { type: 'boolean', default: false },
      leak: { type: 'string', default: '0' },
      keys: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (options.help) {
    console.log(`Usage: pnpm prove fuzz [--requests N] [--seed N] [--concurrency N] [--only INDEX] [--check]

Sends mutated requests to the built gateway, in front of upstreams that mutate their answers.

  --requests N     how many (default 20000)
  --seed N         where chance begins (default 1)
  --concurrency N  cases at a time (default 64)
  --only INDEX     runs this case of the seed alone, and prints what was sent and what came
  --replay FILE    runs the case of a finding alone, with the answers that it got then
  --keep           leaves the gateway's folder, with its books, where it is
  --leak BYTES     each request leaves so many bytes behind in the gateway, which must be found (default 0)
  --keys           many clients with keys and permissions, which change while calls run, in front of simulated vendors
  --check          exit with 1 when something is found`)
    return 0
  }
  const number = (name: 'requests' | 'seed' | 'concurrency' | 'only' | 'leak'): number => {
    const value = Number(options[name])
    if (Number.isSafeInteger(value) && value >= 0) return value
    throw new RangeError(`--${name}: expected a whole number, but got ${options[name]}`)
  }
  if (options.keys) {
    const { fuzzWithKeys } = await import('../keys/main.ts')
    const numbers = { requests: number('requests'), seed: number('seed') }
    const found = await fuzzWithKeys({ ...numbers, concurrency: Math.max(1, number('concurrency')) })
    return options.check && found > 0 ? 1 : 0
  }
  const only = options.replay ?? (options.only === undefined ? undefined : number('only'))
  const result = await fuzz({
    requests: number('requests'),
    seed: number('seed'),
    concurrency: Math.max(1, number('concurrency')),
    only,
    keepsFiles: options.keep,
    leak: number('leak'),
    findings: join(folder, String(number('seed'))),
    onProgress: printProgress,
  })
  if (only !== undefined) printCase(result)
  printResult(result)
  return options.check && result.findings.count > 0 ? 1 : 0
}

let printedAt = 0
function printProgress({ done, of, perSecond, findings, rss }: Progress): void {
  if (performance.now() - printedAt < 5_000) return
  printedAt = performance.now()
  const left = (of - done) / perSecond
  console.error(
    `${done} of ${of}, ${perSecond.toFixed(0)}/s, ${left.toFixed(0)} s left, RSS ${mb(rss)}, ${findings} findings`,
  )
}

function printCase({ exchange, only }: FuzzResult): void {
  for (const step of only?.fuzzCase.request.steps ?? [])
    console.log(
      `> ${step.do} ${'bytes' in step ? step.bytes.toString('latin1', 0, 3_000) : 'ms' in step ? step.ms : ''}`,
    )
  for (const { target, answer } of only?.received ?? []) {
    console.log(`\n${target}: ${answer.kind}`)
    for (const step of answer.steps)
      console.log(
        `< ${step.do} ${'bytes' in step ? step.bytes.toString('latin1', 0, 3_000) : 'ms' in step ? step.ms : ''}`,
      )
  }
  console.log(`\n${exchange?.ended} after ${exchange?.ms.toFixed(0)} ms`)
  for (const { head, body } of exchange?.answers ?? [])
    console.log(`${head}${body.toString('latin1', 0, 3_000)}\n`)
}

function printResult(result: FuzzResult): void {
  const { findings, books, memory, growths, kinds, statuses, answers, blocks, excused, seconds, cpu } = result
  const total = [...kinds.values()].reduce((sum, value) => sum + value, 0)
  console.log(`\n${total} cases in ${seconds.toFixed(1)} s: ${(total / seconds).toFixed(0)} a second\n`)
  console.log(
    `CPU a case: gateway ${cpu.gateway.toFixed(0)} us, fuzzer and upstreams ${cpu.fuzzer.toFixed(0)} us\n`,
  )
  console.log(`requests: ${list(kinds)}\n`)
  console.log(`upstream: ${list(answers)}\n`)
  console.log(`answers:  ${list(statuses)}\n`)
  for (const { what, seen, holds } of books) console.log(`${holds ? 'holds ' : 'FAILS '} ${what}: ${seen}`)
  for (const {
    done,
    rss,
    heapUsed,
    external,
    arrayBuffers,
    descriptors,
    threads,
    resources,
    workers,
  } of memory) {
    const others = workers.map((worker) => mb(worker.heapUsed)).join(', ')
    console.log(
      `after ${done}: RSS ${mb(rss)}, heap ${mb(heapUsed)}, of workers ${others}, external ${mb(external)}, array buffers ${mb(arrayBuffers)}, ${descriptors} descriptors, ${threads} threads, ${JSON.stringify(resources)}`,
    )
  }
  for (const { what, bytes, most } of growths)
    console.log(`${what}: ${bytes < 0 ? '' : '+'}${mb(bytes)} from half to all (at most ${mb(most)})`)
  const { longest, over, confirmed, suspects, ofMachine } = blocks
  console.log(
    `event loop: longest block ${longest.toFixed(0)} ms; over 100 ms: ${over}, of which ${confirmed} when the case runs alone; ${ofMachine} pauses of the machine`,
  )
  for (const suspect of suspects) console.log(`  ${suspect}`)
  if (excused > 0)
    console.log(`${excused} cases that met a pause of the fuzzer itself held when they ran again, alone`)
  console.log(
    `\n${findings.count === 0 ? 'nothing found' : `${findings.count} findings, ${findings.groups.size} kinds; cases are in ${folder}`}`,
  )
  for (const { problem, count, examples } of findings.groups.values()) {
    console.log(`\n${count} × ${problem}`)
    for (const { index, circumstances } of examples)
      if (index !== undefined) console.log(`    --only ${index}   ${circumstances.slice(0, 200)}`)
  }
}

function list(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')
}

const mb = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MB`
