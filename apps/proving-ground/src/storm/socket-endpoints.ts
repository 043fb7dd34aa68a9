import { createServer } from 'node:net'
import { attempt, fetchTransport } from '@spillway/attempt'
import { createClient } from '@spillway/core-client'
import { deriveRequest, type Handler } from '@spillway/middleware'
import { type Fault, type RecordedRequest, startClaude, startOllama } from '@spillway/testing'
import { answerText } from './answer.ts'
import type { AttemptFault, AttemptPlan } from './attempt-plan.ts'
import { model } from './place-calls.ts'

/** The servers of a storm over real sockets. */
export interface SocketEndpoints {
  /** A handler that makes one attempt as planned, over the network. Each has connections of its own. */
  claude(planOf: (request: Parameters<Handler>[0]) => AttemptPlan): Handler
  local(): Handler
  close(): Promise<void>
}

/** One server a fault, since what befalls an attempt is decided before it is sent. */
const serverFaults: Readonly<Record<Exclude<AttemptFault, 'refused'>, Fault>> = {
  rate_limited: { type: 'status', status: 429, retryAfter: 1 },
  overloaded: { type: 'status', status: 529 },
  server: { type: 'status', status: 500 },
  reset: { type: 'reset' },
  stall: { type: 'slow-first-token', ms: Infinity },
}

const latencyHeader = 'x-storm-latency'

/** Starts the servers. `speed` is that of the clock, `localLatency` what the local model takes by that clock. */
export async function startEndpoints(speed: number, localLatency: number): Promise<SocketEndpoints> {
  const cleanUp: (() => Promise<void>)[] = []
  const options = {
    record: false,
    reply: (request: RecordedRequest) => ({ text: answerText(calledBy(request)) }),
  }
  const start = async (fault: Fault | undefined): Promise<string> => {
    const latencyMs = (request: RecordedRequest): number => Number(request.headers[latencyHeader] ?? 0)
    const server = await startClaude({ ...options, latencyMs, chunkDelayMs: 1 })
    server.always(fault)
    cleanUp.push(() => server.close())
    return server.url
  }
  const urls = new Map<AttemptFault | undefined, string>([[undefined, await start(undefined)]])
  for (const [fault, scripted] of Object.entries(serverFaults)) {
    urls.set(fault as AttemptFault, await start(scripted))
  }
  urls.set('refused', await closedPort())
  const ollama = await startOllama({ ...options, models: [model], latencyMs: localLatency / speed })
  cleanUp.push(() => ollama.close())

  return {
    claude(planOf) {
      const handlers = new Map(
        [...urls].map(([fault, url]) => {
          const client = createClient({ provider: 'anthropic', baseUrl: url, credential: 'sk-storm' })
          cleanUp.unshift(() => client.close())
          return [fault, bothTransports(client.handler, url)]
        }),
      )
      return (request) => {
        const plan = planOf(request)
        const latency = latencyOf(plan, request.stream) / speed
        const headers = { ...request.headers, [latencyHeader]: String(latency) }
        return (handlers.get(plan.fault) as Handler)(deriveRequest(request, { headers }))
      }
    },
    local() {
      const client = createClient({ provider: 'ollama', baseUrl: ollama.url, credential: null })
      cleanUp.unshift(() => client.close())
      return client.handler
    },
    async close() {
      for (const close of cleanUp) await close()
    },
  }
}

/** Attempts take turns between undici's `dispatch` and Node's `fetch`. */
function bothTransports(dispatched: Handler, url: string): Handler {
  const fetched = attempt(fetchTransport(fetch))
  let turn = 0
  return (request) =>
    turn++ % 2 === 0 ? dispatched(request) : fetched(deriveRequest(request, { url: `${url}/v1/messages` }))
}

/** When the server begins to answer: a stream's first content follows its headers at once. */
function latencyOf({ fault, headers, firstContent, lastByte }: AttemptPlan, stream: boolean): number {
  if (fault !== undefined) return headers
  return stream ? firstContent : lastByte
}

function calledBy({ json }: RecordedRequest): string {
  const { messages } = json as { messages: readonly { content: string }[] }
  return /\d+/.exec(messages[0]?.content ?? '')?.[0] ?? 'nobody'
}

/** A URL at which the operating system refuses connections. */
async function closedPort(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return `http://127.0.0.1:${port}`
}
