import { setTimeout as wait } from 'node:timers/promises'
import { type Connection, openConnection, requestBytes } from './connection.ts'
import type { RunningRival } from './rivals.ts'

/** Latencies of calls in milliseconds, from the moment at which each was due. */
export interface Latencies {
  readonly p50: number
  readonly p99: number
  readonly p999: number
  /** Calls that were not answered with 200. */
  readonly failed: number
  readonly calls: number
}

export interface OpenLoopOptions {
  readonly body: Buffer
  readonly perSecond: number
  readonly seconds: number
  /** Shares of calls whose first attempt is refused with 529, or is never answered. @default none */
  readonly faults?: { readonly refused: number; readonly stalled: number } | undefined
}

/** How long this process sleeps at a time before a call is due, in milliseconds: an answer is noticed so much later, whoever gave it. */
const nap = 0.05
const neverWoken: Int32Array<SharedArrayBuffer> = new Int32Array(new SharedArrayBuffer(4))

/** Faults are met once each: their numbers are those of this process, over all runs. */
let faultsSent = 0

/** How long calls may still take when all have been sent, in milliseconds; a gateway without time limits waits for ever. */
const longestWait = 10_000

/** Connections at most: a gateway that is that far behind has lost. */
const mostConnections = 2_000

/**
 * Sends calls at a fixed rate, whether those before have been answered or not, and measures each from the moment at which it was
 * due: a gateway that stops for a while is charged for all who would have come (coordinated omission; Gil Tene, wrk2).
 * @returns latencies of the calls that met no fault
 */
export async function openLoop(rival: RunningRival, options: OpenLoopOptions): Promise<Latencies> {
  const { body, perSecond, seconds, faults } = options
  const total = Math.round(perSecond * seconds)
  const latencies: number[] = []
  let answered = 0
  let open = 0
  const idle: Connection[] = []
  const inFlight: Promise<void>[] = []
  const send = async (number: number, due: number): Promise<void> => {
    const fault = faultOf(number, faults)
    const request = requestBytes(rival.url, rival.path, rival.headers, withFault(body, fault))
    let connection = idle.pop()
    try {
      if (connection === undefined) {
        if (open >= mostConnections) throw new Error('too far behind')
        open++
        connection = await openConnection(rival.url)
      }
      const { status } = await connection.call(request)
      if (status === 200) answered++
      if (status === 200 && fault === undefined) latencies.push(performance.now() - due)
      idle.push(connection)
    } catch {
      if (connection !== undefined) open--
      connection?.close()
    }
  }
  const startedAt = performance.now()
  for (let number = 0; number < total; ) {
    const due = startedAt + (number / perSecond) * 1_000
    const early = due - performance.now()
    // A timer is late by a millisecond, so the last part is slept through in naps. Without them this process would keep a core to itself,
    // which the gateways need as much.
    if (early > 2) await wait(early - 1.5)
    else if (early > 0) {
      Atomics.wait(neverWoken, 0, 0, Math.min(early, nap))
      await new Promise(setImmediate)
    } else {
      inFlight.push(send(number++, due))
    }
  }
  await Promise.race([Promise.all(inFlight), wait(longestWait)])
  for (const connection of idle) connection.close()
  latencies.sort((a, b) => a - b)
  const at = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? Number.NaN
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999), failed: total - answered, calls: total }
}

/** Evenly spread, so that each run meets the same. */
function faultOf(number: number, faults: OpenLoopOptions['faults']): '529' | 'stall' | undefined {
  if (faults === undefined) return undefined
  const at = (number * 0.6180339887) % 1
  if (at < faults.refused) return '529'
  return at < faults.refused + faults.stalled ? 'stall' : undefined
}

function withFault(body: Buffer, fault: string | undefined): Buffer {
  if (fault === undefined) return body
  const mark = `{"metadata":{"user_id":"${fault}-${String(faultsSent++).padStart(7, '0')}"},`
  return Buffer.concat([Buffer.from(mark), body.subarray(1)])
}
