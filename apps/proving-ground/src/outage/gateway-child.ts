import { fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** The program `spillway` in a separate process, so that it can be killed, and so that the load does not slow it. */
export interface GatewayChild {
  readonly url: string
  /**
   * Ends it in order, with SIGTERM.
   * @throws Error when it ends in another way than that
   */
  close(): Promise<void>
  /** Ends it at once, with SIGKILL. */
  kill(): Promise<void>
}

const program = fileURLToPath(new URL('./gateway-process.ts', import.meta.url))

/**
 * @param folder takes the file of the configuration
 * @throws Error when it does not start
 */
export async function startGatewayChild(
  config: object,
  folder: string,
  execArgv: readonly string[] = [],
): Promise<GatewayChild> {
  const file = join(folder, 'spillway.yaml')
  writeFileSync(file, JSON.stringify(config))
  const child = fork(program, ['start', '--quiet', '--config', file, '--port', '0'], {
    execArgv: [...execArgv],
    env: { ...process.env, SPILLWAY_OUTAGE_KEY: 'sk-of-the-gateway' },
    stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
  })
  const exited = once(child, 'exit')
  const stdout = child.stdout as NodeJS.ReadableStream
  const url = await Promise.race([addressIn(stdout), exited.then(() => undefined)])
  if (url === undefined) throw new Error(`the gateway ended with ${child.exitCode ?? child.signalCode}`)
  return {
    url,
    async close() {
      child.kill('SIGTERM')
      const [code, signal] = await exited
      if (code !== 0) throw new Error(`the gateway ended with ${code ?? signal} at SIGTERM`)
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** Resolves with what it says it listens on, and goes on reading. */
function addressIn(stdout: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve) => {
    createInterface(stdout).on('line', (line) => {
      const url = /^listening on (\S+)$/.exec(line)?.[1]
      if (url !== undefined) resolve(url)
    })
  })
}
