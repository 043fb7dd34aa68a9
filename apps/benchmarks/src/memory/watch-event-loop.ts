/**
 * Loaded into a gateway before its own code (`node --import`): the first SIGUSR2 begins to watch the event loop of the main thread, the second
 * writes for how many milliseconds it was blocked at most to the file that BLOCKED_FILE names.
 */
import { renameSync, writeFileSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'

if (isMainThread) {
  let longest = 0
  let timer: NodeJS.Timeout | undefined
  process.on('SIGUSR2', () => {
    if (timer === undefined) {
      let last = performance.now()
      const look = (): void => {
        const now = performance.now()
        longest = Math.max(longest, now - last)
        last = now
      }
      timer = setInterval(look, 1)
      return
    }
    clearInterval(timer)
    timer = undefined
    const file = process.env.BLOCKED_FILE ?? 'blocked.txt'
    writeFileSync(`${file}.part`, String(longest))
    renameSync(`${file}.part`, file)
    longest = 0
  })
}
