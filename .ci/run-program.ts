import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** A benchmark or a proof. */
export interface Program {
  /** What it does, in one line of the list. */
  readonly what: string
  /**
   * Imports its module. A module that exports `main(args)` is called and resolves with the exit code; any other runs when it is
   * imported and reads `process.argv`.
   */
  load(): Promise<object>
}

export type Programs = Readonly<Record<string, Program>>

/**
 * Runs the program that the command line names, with the options behind the name, after a build: `pnpm bench` and `pnpm prove`.
 * Without a name it lists all programs.
 */
export async function runProgram(command: string, about: string, programs: Programs): Promise<void> {
  const [name, ...args] = process.argv.slice(2)
  if (name === undefined || name === '--help' || name === '-h')
    return console.log(listOf(command, about, programs))
  const program = Object.hasOwn(programs, name) ? programs[name] : undefined
  if (program === undefined) {
    console.error(
      `\`pnpm ${command}\` has no ${JSON.stringify(name)}.\n\n${listOf(command, about, programs)}`,
    )
    process.exitCode = 2
    return
  }
  if (!build()) {
    process.exitCode = 2
    return
  }
  process.argv.splice(2, 1)
  try {
    const module = await program.load()
    if ('main' in module) process.exitCode = await (module as MainModule).main(args)
  } catch (error) {
    // What is wrong with the options is said in a line; of anything else, where it happened is of use.
    console.error(isWrongOption(error) ? `${error.message}\nSee: pnpm ${command} ${name} --help` : error)
    process.exitCode = 2
  }
}

interface MainModule {
  main(args: readonly string[]): Promise<number>
}

function listOf(command: string, about: string, programs: Programs): string {
  const width = Math.max(...Object.keys(programs).map((name) => name.length))
  const lines = Object.entries(programs).map(([name, { what }]) => `  ${name.padEnd(width)}  ${what}`)
  return [
    `Usage: pnpm ${command} NAME [options]`,
    '',
    about,
    '',
    ...lines,
    '',
    `pnpm ${command} NAME --help   what it does and its options`,
    `pnpm ${command} NAME --check  exit with 1 when a bound is missed`,
  ].join('\n')
}

/** Programs run the built packages, as their users do. What the build says is printed only when it fails. */
function build(): boolean {
  if (process.stderr.isTTY) console.error('building what has changed')
  const { status, error, stdout, stderr } = spawnSync(
    'pnpm',
    ['exec', 'turbo', 'run', 'build', '--output-logs=errors-only'],
    {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1' },
      encoding: 'utf8',
      shell: process.platform === 'win32',
    },
  )
  if (status !== 0)
    console.error(
      `${stdout ?? ''}${stderr ?? ''}\ncannot build the packages${error ? `: ${error.message}` : ''}`,
    )
  return status === 0
}

function isWrongOption(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
}
