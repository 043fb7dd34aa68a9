import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

/** A server in a process of its own. */
export interface ChildServer {
  readonly url: string
  /** CPU time used so far, in microseconds. */
  cpu(): Promise<number>
  /** Resident memory in bytes; after a full collection where Node runs with `--expose-gc`. */
  memory(): Promise<number>
  stop(): Promise<void>
}

/** Starts `servers.ts` in a process of its own, as the server named. */
export async function startChild(server: string, ...args: readonly string[]): Promise<ChildServer> {
  const child = fork(new URL('./servers.ts', import.meta.url), [server, ...args], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const { url } = (await answer(child)) as { url: string }
  return {
    url,
    async cpu() {
      child.send('cpu')
      return ((await answer(child)) as { cpu: number }).cpu
    },
    async memory() {
      child.send('memory')
      return ((await answer(child)) as { memory: number }).memory
    },
    async stop() {
      child.disconnect()
      await once(child, 'exit')
    },
  }
}

async function answer(child: ChildProcess): Promise<unknown> {
  const stopped = new AbortController()
  const gone = once(child, 'exit', { signal: stopped.signal }).then(([code]) => {
    throw new Error(`the server under measurement exited with ${code}`)
  })
  gone.catch(() => {})
  const [message] = await Promise.race([once(child, 'message', { signal: stopped.signal }), gone])
  stopped.abort()
  return message
}
