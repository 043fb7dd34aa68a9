import { Agent, type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'

/** One call as its client saw it. */
export interface SeenCall {
  readonly index: number
  readonly model: string
  /** `performance.now()` when it was sent and when its last byte had come. */
  readonly sentAt: number
  readonly endedAt: number
  /** Whether a whole answer came with status 200. */
  readonly isAnswered: boolean
  /** What came instead. */
  readonly problem: string | undefined
  /** The gateway's id of the call; undefined where no answer came. */
  readonly callId: string | undefined
}

/** Calls at a steady rate, whatever becomes of those before. */
export interface Load {
  readonly calls: readonly SeenCall[]
  readonly sent: number
  /** Where the next calls go; undefined holds them back. */
  url: string | undefined
  /** What the next call alone asks for instead of the usual model. */
  nextModel: string | undefined
  /** Resolves when none is in flight, or after so many milliseconds. */
  idle(ms: number): Promise<void>
  /** Sends no more, and resolves when all have ended. */
  stop(): Promise<void>
}

const usualModel = 'claude-sonnet-5-5'

/** A fifth of the calls meets an error upstream first; half of them are streams. */
export const meetsAnError = (index: number): boolean => index % 5 === 4
const isStream = (index: number): boolean => index % 2 === 1

/** @param second takes every other call */
export function startLoad(url: string, perSecond: number, second?: string): Load {
  const agent = new Agent({ keepAlive: true })
  const calls: SeenCall[] = []
  const running = new Set<Promise<void>>()
  let sent = 0
  let isStopped = false
  const call = async (target: string, index: number): Promise<void> => {
    const sentAt = performance.now()
    const model = load.nextModel ?? usualModel
    load.nextModel = undefined
    const { problem, callId } = await ask(agent, target, { index, model })
    calls.push({
      index,
      model,
      sentAt,
      endedAt: performance.now(),
      isAnswered: problem === undefined,
      problem,
      callId,
    })
  }
  const load = {
    calls,
    nextModel: undefined as string | undefined,
    url: url as string | undefined,
    get sent() {
      return sent
    },
    async idle(ms: number) {
      await Promise.race([Promise.all(running), pause(ms, undefined, { ref: false })])
    },
    async stop() {
      isStopped = true
      await offering
      await Promise.all(running)
      agent.destroy()
    },
  }
  const offer = async (): Promise<void> => {
    let last = performance.now()
    let due = 0
    while (!isStopped) {
      await pause(5)
      const now = performance.now()
      // Time that was spent waiting for a gateway is not made good.
      if (load.url !== undefined) due += ((now - last) / 1000) * perSecond
      last = now
      for (; due >= 1 && load.url !== undefined; due--) {
        const target = sent % 2 === 1 ? (second ?? load.url) : load.url
        const one = call(target, sent++).finally(() => running.delete(one))
        running.add(one)
      }
    }
  }
  const offering = offer()
  return load
}

/** Sends the call with this number: its id, and what is wrong with its answer, if anything. */
async function ask(
  agent: Agent,
  url: string,
  { index, model }: Pick<SeenCall, 'index' | 'model'>,
): Promise<Pick<SeenCall, 'problem' | 'callId'>> {
  const stream = isStream(index)
  const body = JSON.stringify({
    model,
    max_tokens: 100,
    stream,
    messages: [{ role: 'user', content: `call number ${index}` }],
  })
  const headers = { 'content-type': 'application/json', 'anthropic-version': '2023-06-01', 'x-api-key': 'sk' }
  try {
    const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
      request(`${url}/v1/messages`, { method: 'POST', agent, headers }, resolve).on('error', reject).end(body)
    })
    const id = incoming.headers['x-spillway-call-id']
    const callId = typeof id === 'string' ? id : undefined
    const answer = await text(incoming)
    if (incoming.statusCode !== 200) return { problem: `status ${incoming.statusCode}`, callId }
    const isWhole = stream ? answer.includes('event: message_stop') : JSON.parse(answer).stop_reason !== null
    return { problem: isWhole ? undefined : 'the answer is not whole', callId }
  } catch (error) {
    return { problem: (error as Error).message, callId: undefined }
  }
}
