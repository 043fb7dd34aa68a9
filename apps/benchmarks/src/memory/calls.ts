import { setTimeout as wait } from 'node:timers/promises'
import { closedLoop } from '../gateways/closed-loop.ts'
import { prompts } from '../gateways/prompts.ts'
import { type RunningRival, rivals } from '../gateways/rivals.ts'
import type { Figure } from './figure.ts'

/** How long after its start, and after its last call, a gateway counts as idle, in milliseconds: idle threads end after a minute at most. */
const settles = 3_000
const idles = 75_000

/** Measures a gateway before, during and after a number of small calls. */
export async function measureCalls(upstream: URL, calls: number): Promise<Figure[]> {
  const rival = rivals.spillway
  const missing = rival?.missing()
  if (rival === undefined || missing !== undefined) throw new Error(`the gateway: ${missing}`)
  const running = await rival.start([upstream])
  try {
    await wait(settles)
    const started = running.memory()
    const most = await mostDuring(running, async () => {
      await closedLoop(running, { connections: 16, body: prompts.json.body, calls })
    })
    const afterwards = running.memory()
    await wait(idles)
    const name = `after ${calls.toLocaleString('en')} small calls`
    return [
      megabytes('idle, after the start', started, 90),
      megabytes(name, afterwards, 220),
      megabytes(`${name}, at most meanwhile`, most),
      megabytes(`${name}, ${idles / 1_000} s later`, running.memory()),
    ]
  } finally {
    await running.stop()
  }
}

async function mostDuring(running: RunningRival, work: () => Promise<void>): Promise<number> {
  let most = 0
  const timer = setInterval(() => {
    most = Math.max(most, running.memory())
  }, 1_000)
  try {
    await work()
  } finally {
    clearInterval(timer)
  }
  return most
}

function megabytes(name: string, bytes: number, below?: number): Figure {
  return { name, value: bytes / 1e6, unit: 'MB', ...(below !== undefined && { below }) }
}
