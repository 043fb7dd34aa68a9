import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { startCallersGateway } from './gateway.ts'

const run = promisify(execFile)

const usage = `Usage: pnpm prove callers [--check]

Runs the callers that the documentation shows, in TypeScript, Python, Go and for curl, against a gateway whose Claude fails at first. Left out,
in words, is what this machine has no program or package for: \`pip install anthropic httpx\` in a virtual environment, and Go.

  --check   exit with 1 when a caller gets no answer, or is left out`

const folder = fileURLToPath(new URL('../../../examples/src/callers/', import.meta.url))

interface Caller {
  readonly file: string
  readonly command: readonly [program: string, ...args: string[]]
  /** Fails where something is missing. */
  readonly needs: readonly [program: string, ...args: string[]]
}

const python = process.env.PYTHON ?? 'python3'
const callers: readonly Caller[] = [
  { file: 'caller.ts', command: ['node'], needs: ['node', '--version'] },
  { file: 'caller.py', command: [python], needs: [python, '-c', 'import anthropic'] },
  { file: 'caller_httpx.py', command: [python], needs: [python, '-c', 'import httpx'] },
  { file: 'caller.go', command: ['go', 'run'], needs: ['go', 'version'] },
  { file: 'caller.sh', command: ['sh'], needs: ['curl', '--version'] },
]

/** `pnpm prove callers`: resolves with the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { check: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h' } },
  })
  if (values.help) {
    console.log(usage)
    return 0
  }
  await using gateway = await startCallersGateway()
  let problems = 0
  for (const { file, command, needs } of callers) {
    const problem = await problemOf(file, command, needs, gateway)
    if (problem !== undefined) problems++
    console.log(`${file.padEnd(16)} ${problem ?? 'answered'}`)
  }
  return values.check && problems > 0 ? 1 : 0
}

async function problemOf(
  file: string,
  [program, ...args]: Caller['command'],
  [needed, ...with_]: Caller['needs'],
  { url, answer, failNext }: Awaited<ReturnType<typeof startCallersGateway>>,
): Promise<string | undefined> {
  try {
    await run(needed, with_)
  } catch {
    return `left out: "${[needed, ...with_].join(' ')}" fails`
  }
  failNext()
  try {
    const env = { ...process.env, ANTHROPIC_BASE_URL: url }
    const { stdout } = await run(program, [...args, `${folder}${file}`], { env, timeout: 120_000 })
    if (!stdout.includes(answer)) return `FAILED: it printed ${JSON.stringify(stdout)}`
    return /served[ -]by:? claude/.test(stdout) ? undefined : 'FAILED: it does not say who answered'
  } catch (error) {
    return `FAILED: ${(error as Error).message}`
  }
}
