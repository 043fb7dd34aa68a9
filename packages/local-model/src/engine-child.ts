import { engineHost } from './engine-host.ts'
import type { FromEngine, ToEngine } from './engine-messages.ts'

// The process of one embedded model. It ends with the process that started it, and at no other time by itself.

const leave = (): void => {
  // Not `exit`, which waits for native threads that compute.
  process.kill(process.pid, 'SIGKILL')
}
if (!process.connected) leave()
process.on('disconnect', leave)
// A terminal sends these to every process of the foreground; the one that started this drains its calls first.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'] as const) process.on(signal, () => {})
process.title = 'spillway-local-model'

const host = engineHost((answer: FromEngine) => {
  // Where the other side has gone, `disconnect` follows.
  if (process.connected) process.send?.(answer, undefined, undefined, () => {})
})
process.on('message', (message) => host(message as ToEngine))
