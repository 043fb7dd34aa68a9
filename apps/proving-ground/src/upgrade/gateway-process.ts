import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'

/** A gateway of some version in a process apart. */
export interface GatewayProcess {
  readonly url: string
  /** Drains it, and resolves with its exit code. */
  stop(): Promise<number | null>
  /** Ends it where it is. */
  kill(): Promise<void>
}

export interface GatewayProcessOptions {
  /** `spillway.js` of its version. */
  readonly program: string
  readonly config: string
  readonly port: number
  readonly env: Readonly<Record<string, string>>
}

/** How long it may take to start, in milliseconds. */
const longestStart = 30_000

/** @throws Error with what it has said when it does not start */
export async function startProcess({
  program,
  config,
  port,
  env,
}: GatewayProcessOptions): Promise<GatewayProcess> {
  const parameters = [program, 'start', '--quiet', '--config', config, '--port', String(port)]
  const child = spawn(process.execPath, parameters, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (piece: string) => {
      said = (said + piece).slice(-20_000)
    })
  const exited = once(child, 'exit')
  const url = (): string | undefined => /listening on (\S+)/.exec(said)?.[1]
  for (let waited = 0; url() === undefined; waited += 20) {
    if (child.exitCode !== null || waited > longestStart) {
      child.kill('SIGKILL')
      throw new Error(`the gateway did not start:\n${said}`)
    }
    await delay(20)
  }
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal)
    await exited
    return child.exitCode
  }
  return {
    url: url() as string,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL').then(() => {}),
  }
}

/** Runs a command of some version, and resolves with what it prints. */
export async function runCommand(
  program: string,
  parameters: readonly string[],
  options: { readonly env: Readonly<Record<string, string>>; readonly cwd: string; readonly input?: string },
): Promise<{ readonly code: number | null; readonly out: string }> {
  const child = spawn(process.execPath, [program, ...parameters], {
    env: { ...process.env, ...options.env },
    cwd: options.cwd,
  })
  let out = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (piece: string) => {
      out += piece
    })
  child.stdin.end(options.input ?? '')
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out }
}
