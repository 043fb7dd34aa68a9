import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { Dice } from '../fuzz/dice.ts'
import { clients, longModel } from './config.ts'

/** One call as its client saw it. */
export interface SeenCall {
  readonly stream: boolean
  /** Whether it is one of the streams that go on for long. */
  readonly isLong: boolean
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
  /** Streams that go on for long, now. */
  readonly streams: number
  /** Sends so many calls at once, besides. */
  peak(calls: number): void
  /** Sends no more, and resolves when all have ended. */
  stop(): Promise<void>
}

const models = ['claude-sonnet-5-5', 'claude-haiku-4-5', 'claude-opus-4-6', 'gpt-5', 'gpt-5-mini']
/** A prompt of so many sentences has more than a thousand tokens: vendors keep it in their caches, and limits remember it. */
const longEnough = 160
/** Calls that are left before their end. */
const leaving = 0.01

export interface LoadOptions {
  readonly url: string
  /** Calls a second. */
  readonly rate: number
  /** Streams that go on for long, beside them; each that ends is followed by another one. */
  readonly streams: number
  readonly streamSeconds: number
  readonly seed: number
  /** The key of a client, now. */
  readonly keyOf: (client: string) => string
  /** While it says so, prompts are long enough to be remembered: what limits remember of conversations is bounded, and is full then. */
  readonly isWarmingUp?: () => boolean
}

export function startLoad(options: LoadOptions): Load {
  const { rate, seed, isWarmingUp = () => false } = options
  const agent = new Agent({ keepAlive: true })
  const calls: SeenCall[] = []
  const running = new Set<Promise<void>>()
  let sent = 0
  let isStopped = false
  let streams = 0
  let streamsSent = 0
  const follow = async (asked: Promise<SeenCall>): Promise<void> => {
    const one = asked.then((seen) => {
      calls.push(seen)
      running.delete(one)
    })
    running.add(one)
    return one
  }
  const send = (): void => {
    const sentences = isWarmingUp() ? longEnough : 0
    void follow(call(agent, options, new Dice(seed, sent++), sentences))
  }
  const stream = async (lane: number): Promise<void> => {
    // They do not all end at the same time.
    await pause((lane / options.streams) * options.streamSeconds * 1_000, undefined, {
      signal: stopping.signal,
    }).catch(() => {})
    while (!isStopped) {
      streamsSent++
      streams++
      await follow(longStream(agent, options, lane))
      streams--
      // One that was refused is not asked for again at once.
      await pause(100)
    }
  }
  const stopping = new AbortController()
  const streaming = Array.from({ length: options.streams }, (_, lane) => stream(lane))
  const offer = async (): Promise<void> => {
    let due = 0
    for (let last = performance.now(); !isStopped; ) {
      await pause(5)
      const now = performance.now()
      due += ((now - last) / 1_000) * rate
      last = now
      for (; due >= 1; due--) send()
    }
  }
  const offering = offer()
  return {
    calls,
    get sent() {
      return sent + streamsSent
    },
    get inFlight() {
      return running.size
    },
    get streams() {
      return streams
    },
    peak(most) {
      for (let calls = 0; calls < most; calls++) send()
    },
    async stop() {
      isStopped = true
      stopping.abort()
      await offering
      await Promise.all(streaming)
      await Promise.all(running)
      agent.destroy()
    },
  }
}

/** @param sentences so many at least are in its prompt */
function call(agent: Agent, to: LoadOptions, dice: Dice, sentences: number): Promise<SeenCall> {
  const model = dice.pick(models)
  const stream = dice.chance(0.5)
  const isChat = dice.chance(0.3)
  const content = 'Say something about the dam. '.repeat(sentences + dice.size(8, 400))
  const client = dice.pick(clients)
  const session = `session-${dice.int(300)}`
  const leavesAfter = dice.chance(leaving) ? dice.int(200) : undefined
  return ask(agent, to, { model, stream, isChat, content, client, session, leavesAfter })
}

/** A stream that goes on for long. */
function longStream(agent: Agent, to: LoadOptions, lane: number): Promise<SeenCall> {
  const client = clients[lane % clients.length] as string
  const session = `stream-${lane}`
  const said = { model: longModel, stream: true, content: 'Tell me all about the dam.' }
  return ask(agent, to, { ...said, isChat: false, client, session, leavesAfter: undefined })
}

interface Asked {
  readonly model: string
  readonly stream: boolean
  readonly isChat: boolean
  readonly content: string
  readonly client: string
  readonly session: string
  /** Milliseconds after which the client leaves. */
  readonly leavesAfter: number | undefined
}

async function ask(agent: Agent, { url, keyOf }: LoadOptions, asked: Asked): Promise<SeenCall> {
  const { model, stream, isChat, content, leavesAfter } = asked
  const body = JSON.stringify({ model, max_tokens: 200, stream, messages: [{ role: 'user', content }] })
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'anthropic-version': '2023-06-01',
    'x-api-key': keyOf(asked.client),
    'x-claude-code-session-id': asked.session,
  }
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
  return { stream, isLong: model === longModel, ms: performance.now() - startedAt, firstByteMs, result }
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
