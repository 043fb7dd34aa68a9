import { setTimeout as delay } from 'node:timers/promises'

/**
 * The longest time, in milliseconds, for which something kept the event loop busy without a turn for anyone else. It is the
 * time of the processor that counts: that of the clock would also show what other programs of the machine do.
 */
export async function longestBlock(run: () => Promise<unknown>): Promise<number> {
  let longest = 0
  let last = busyTime()
  const look = (): void => {
    const now = busyTime()
    longest = Math.max(longest, now - last)
    last = now
  }
  const timer = setInterval(look, 1)
  await run()
  await delay(2)
  clearInterval(timer)
  return longest
}

/** How long this thread has computed so far, in milliseconds. */
function busyTime(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
