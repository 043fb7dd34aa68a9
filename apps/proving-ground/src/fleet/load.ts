import { setTimeout as pause } from 'node:timers/promises'
import { type CallPlan, makeCall, newAgent, type SeenCall } from './call.ts'
import type { TargetName } from './vendor.ts'

/** Calls of some clients at a steady rate. */
export interface Source {
  /** Calls a second. */
  readonly rate: number
  readonly target: TargetName
  /** Who calls, in turn. */
  readonly clients: readonly string[]
}

export interface LoadOptions {
  readonly gateways: readonly { readonly name: string; readonly url: string }[]
  /** The key that a client presents now. */
  readonly keyOf: (client: string) => string
}

/** Calls at a steady rate, whatever becomes of those before, over a load balancer. */
export interface Load {
  readonly seen: readonly SeenCall[]
  readonly sent: number
  readonly inFlight: number
  /** Connections that were refused, after which the next gateway was asked. */
  readonly notConnected: number
  /** From now on these calls come. */
  offer(sources: readonly Source[]): void
  /** Resolves when none is in flight. */
  idle(): Promise<void>
  /** Sends no more, and resolves when all have ended. */
  stop(): Promise<void>
}

/** How often a load balancer asks gateways whether they are ready, and how long they may take, in milliseconds. */
const healthCheck = { every: 250, timeout: 1_000 }

/** How long a call looks for a gateway that takes its connection, in milliseconds. */
const patience = 20_000

export function startLoad({ gateways, keyOf }: LoadOptions): Load {
  const agent = newAgent()
  const seen: SeenCall[] = []
  const running = new Set<Promise<void>>()
  let sources: { readonly source: Source; due: number; turn: number }[] = []
  let ready: LoadOptions['gateways'] = gateways
  let sent = 0
  let turn = 0
  let notConnected = 0
  let isStopped = false

  const make = async (plan: CallPlan): Promise<void> => {
    for (const end = performance.now() + patience; ; await pause(20)) {
      const gateway = ready[turn++ % ready.length]
      const one = gateway && (await makeCall(agent, gateway, plan))
      if (one !== undefined) return void seen.push(one)
      // Whoever is asked first may be the one that has just gone.
      notConnected++
      if (performance.now() < end) continue
      const at = { sentAt: end - patience, endedAt: performance.now() }
      const { call, target, client } = plan
      seen.push({
        ...{ call, target, client, gateway: 'none', ...at, outcome: 'lost' },
        ...{ status: undefined, problem: 'no gateway takes a connection', id: undefined },
        ...{ port: undefined, connectedAt: undefined },
      })
      return
    }
  }
  const offering = (async () => {
    for (let last = performance.now(); !isStopped; await pause(5)) {
      const now = performance.now()
      for (const each of sources) {
        each.due += ((now - last) / 1_000) * each.source.rate
        for (; each.due >= 1; each.due--) {
          const { clients, target } = each.source
          const client = clients[each.turn++ % clients.length] as string
          const one = make({ call: sent++, target, client, key: keyOf(client) })
          running.add(one)
          void one.finally(() => running.delete(one))
        }
      }
      last = now
    }
  })()
  const checking = (async () => {
    while (!isStopped) {
      const states = await Promise.all(gateways.map(({ url }) => isReady(url)))
      const found = gateways.filter((_, index) => states[index])
      // Where none is, calls go to all of them, as load balancers have it.
      ready = found.length === 0 ? gateways : found
      await pause(healthCheck.every)
    }
  })()
  const idle = async (): Promise<void> => {
    while (running.size > 0) await Promise.all(running)
  }
  return {
    seen,
    get sent() {
      return sent
    },
    get inFlight() {
      return running.size
    },
    get notConnected() {
      return notConnected
    },
    offer(next) {
      sources = next.map((source) => ({ source, due: 0, turn: 0 }))
    },
    idle,
    async stop() {
      isStopped = true
      await Promise.all([offering, checking])
      await idle()
      await agent.destroy()
    },
  }
}

/** As a load balancer asks: over a connection that is not kept. */
async function isReady(url: string): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(healthCheck.timeout)
    const response = await fetch(`${url}/readyz`, { headers: { connection: 'close' }, signal })
    await response.body?.cancel()
    return response.status === 200
  } catch {
    return false
  }
}
