import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** A gateway in a process of its own, so that it can be killed, and so that the load does not slow it. */
export interface GatewayChild {
  readonly url: string
  /** Ends it in order. */
  close(): Promise<void>
  /** Ends it at once, with SIGKILL. */
  kill(): Promise<void>
}

/** @throws Error when it does not start */
export async function startGatewayChild(
  config: object,
  execArgv: readonly string[] = [],
): Promise<GatewayChild> {
  const path = fileURLToPath(new URL('./gateway-process.ts', import.meta.url))
  const child = fork(path, [JSON.stringify(config)], { execArgv: [...execArgv] })
  const exited = once(child, 'exit')
  const [started] = await Promise.race([once(child, 'message'), exited])
  if (typeof started !== 'object') throw new Error(`the gateway ended with ${started}`)
  return {
    url: started.url,
    async close() {
      child.send('close')
      await exited
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}
