import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { Dice } from '../fuzz/dice.ts'

/** One call as its client saw it. */
export interface SeenCall {
  readonly stream: boolean
  /** Milliseconds to the last byte. */
  readonly ms: number
  /** Milliseconds to the first byte of the body; undefined where none came. */
  readonly firstByteMs: number | undefined
  /** `left` for a client that has left, `cut` for an answer that breaks off. */
  readonly result: string
}

/** Calls at a steady rate, whatever becomes of those before. */
export interface Load {
  readonly calls: readonly SeenCall[]
  readonly sent: number
  readonly inFlight: number
  /** Sends so many calls at once, besides. */
  peak(calls: number): void
  /** Sends no more, and resolves when all have ended. */
  stop(): Promise<void>
}

const models = ['claude-sonnet-5-5', 'claude-haiku-4-5', 'claude-opus-4-6', 'gpt-5', 'gpt-5-mini']
const tenants = 24
/** A prompt of so many sentences has more than a thousand tokens: vendors keep it in their caches, and limits remember it. */
const longEnough = 160
/** Calls that are left before their end. */
const leaving = 0.01

/**
 * @param isWarmingUp while it says so, prompts are long enough to be remembered: what limits remember of conversations is bounded, and
 * is full then when what is held begins to count
 */
export function startLoad(
  url: string,
  perSecond: number,
  seed: number,
  isWarmingUp: () => boolean = () => false,
): Load {
  const agent = new Agent({ keepAlive: true })
  const calls: SeenCall[] = []
  const running = new Set<Promise<void>>()
  let sent = 0
  let isStopped = false
  const send = (): void => {
    const sentences = isWarmingUp() ? longEnough : 0
    const one = call(agent, url, new Dice(seed, sent++), sentences).then((seen) => {
      calls.push(seen)
      running.delete(one)
    })
    running.add(one)
  }
  const offer = async (): Promise<void> => {
    let due = 0
    for (let last = performance.now(); !isStopped; ) {
      await pause(5)
      const now = performance.now()
      due += ((now - last) / 1_000) * perSecond
      last = now
      for (; due >= 1; due--) send()
    }
  }
  const offering = offer()
  return {
    calls,
    get sent() {
      return sent
    },
    get inFlight() {
      return running.size
    },
    peak(most) {
      for (let calls = 0; calls < most; calls++) send()
    },
    async stop() {
      isStopped = true
      await offering
      await Promise.all(running)
      agent.destroy()
    },
  }
}

/** @param sentences so many at least are in its prompt */
async function call(agent: Agent, url: string, dice: Dice, sentences: number): Promise<SeenCall> {
  const model = dice.pick(models)
  const stream = dice.chance(0.5)
  const isChat = dice.chance(0.3)
  const content = 'Say something about the dam. '.repeat(sentences + dice.size(8, 400))
  const body = JSON.stringify({ model, max_tokens: 200, stream, messages: [{ role: 'user', content }] })
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'anthropic-version': '2023-06-01',
    'x-api-key': `sk-tenant-${dice.int(tenants)}`,
    'x-claude-code-session-id': `session-${dice.int(300)}`,
  }
  const leavesAfter = dice.chance(leaving) ? dice.int(200) : undefined
  const startedAt = performance.now()
  const outgoing = request(`${url}${isChat ? '/v1/chat/completions' : '/v1/messages'}`, {
    method: 'POST',
    agent,
    headers,
  })
  const timer =
    leavesAfter === undefined ? undefined : setTimeout(() => outgoing.destroy(new Error('left')), leavesAfter)
  const { result, firstByteAt } = await answerOf(outgoing, body)
  clearTimeout(timer)
  const firstByteMs = firstByteAt === undefined ? undefined : firstByteAt - startedAt
  return { stream, ms: performance.now() - startedAt, firstByteMs, result }
}

function answerOf(
  outgoing: ClientRequest,
  body: string,
): Promise<{ result: string; firstByteAt: number | undefined }> {
  return new Promise((resolve) => {
    let firstByteAt: number | undefined
    let last = ''
    const end = (result: string): void => resolve({ result, firstByteAt })
    const fail = (error: Error): void =>
      end(error.message === 'left' ? 'left' : firstByteAt === undefined ? 'closed' : 'cut')
    outgoing.on('error', fail)
    outgoing.on('response', (incoming: IncomingMessage) => {
      incoming.on('data', (chunk: Buffer) => {
        firstByteAt ??= performance.now()
        last = (last + chunk.toString('latin1')).slice(-2_000)
      })
      incoming.on('error', fail)
      incoming.on('end', () => end(resultOf(incoming.statusCode ?? 0, last)))
    })
    outgoing.end(body)
  })
}

/** Streams that break off end with an error event. */
function resultOf(status: number, last: string): string {
  const isError = /event: error|^data: \{"error"/m.test(last)
  return status === 200 && isError ? 'error event' : String(status)
}
