import { createServer, type Server, type Socket } from 'node:net'
import type { AskedOfUpstream, FuzzAnswer, Step } from './fuzz-case.ts'
import { caseOf } from './markers.ts'

/** A request that has reached an upstream whole, and what it got. */
export interface Received extends Answered {
  /** The protocol in which it was asked. */
  readonly api: AskedOfUpstream['api']
}

/** What a target has answered. */
export interface Answered {
  readonly target: string
  /** The case that it belongs to, where its marker is still whole. */
  readonly index: number | undefined
  readonly answer: FuzzAnswer
}

/** Chooses the answer to a request of a case. */
export type Answering = (index: number | undefined, asked: AskedOfUpstream) => FuzzAnswer

export interface Upstreams {
  /** The base URL of each target's endpoints. */
  url(target: string, endpoint?: number): string
  /** Whole requests that ask a model, by target. */
  readonly requests: ReadonlyMap<string, number>
  /** Requests of which only a part came, by target. */
  readonly partial: ReadonlyMap<string, number>
  close(): Promise<void>
}

const headEnd = Buffer.from('\r\n\r\n')

/** Bare servers that take any request and send any bytes; one for each of these targets and endpoints. */
export async function startUpstreams(
  targets: Readonly<Record<string, number>>,
  answering: Answering,
  onReceived: (received: Received) => void,
): Promise<Upstreams> {
  const requests = new Map<string, number>()
  const partial = new Map<string, number>()
  const attempts = new Map<string, number>()
  const servers = new Map<string, Server>()
  const sockets = new Set<Socket>()
  const count = (counts: Map<string, number>, name: string): number => {
    const value = (counts.get(name) ?? 0) + 1
    counts.set(name, value)
    return value
  }
  /** Cases are soon over: only the latest attempts are known. */
  const attemptOf = (index: number | undefined, target: string): number => {
    if (index === undefined) return 1
    const value = count(attempts, `${target}/${index}`)
    if (attempts.size > 20_000)
      for (const name of attempts.keys()) {
        if (attempts.size <= 10_000) break
        attempts.delete(name)
      }
    return value
  }

  const serve = (target: string, socket: Socket): void => {
    sockets.add(socket)
    const connection = new Connection(socket, {
      request(head, body) {
        const index = caseOf(body)
        const asked = { target, attempt: attemptOf(index, target), ...askedOf(head, body), head }
        // Questions about models, batches and files are no attempts at a call.
        if (asked.api !== 'other') count(requests, target)
        const answer = answering(index, asked)
        onReceived({ target, index, api: asked.api, answer })
        return answer.steps
      },
    })
    socket.on('close', () => {
      sockets.delete(socket)
      if (connection.isWithinRequest) count(partial, target)
    })
  }

  for (const [target, endpoints] of Object.entries(targets)) {
    requests.set(target, 0)
    for (let number = 1; number <= endpoints; number++) {
      const server = createServer({ noDelay: true }, (socket) => serve(target, socket))
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      servers.set(`${target}/${number}`, server)
    }
  }
  return {
    url(target, endpoint = 1) {
      const address = servers.get(`${target}/${endpoint}`)?.address()
      return typeof address === 'object' ? `http://127.0.0.1:${address?.port}` : ''
    },
    requests,
    partial,
    async close() {
      for (const socket of sockets) socket.destroy()
      await Promise.all(
        [...servers.values()].map((server) => new Promise((resolve) => server.close(resolve))),
      )
    },
  }
}

function askedOf(head: string, body: Buffer): Pick<AskedOfUpstream, 'api' | 'isCount' | 'stream'> {
  const path = /^\S+ ([^? ]*)/.exec(head)?.[1] ?? ''
  const api = path.endsWith('/chat/completions')
    ? 'openai'
    : /\/messages(\/count_tokens)?$/.test(path)
      ? 'anthropic'
      : 'other'
  return { api, isCount: path.endsWith('/count_tokens'), stream: isStreamAsked(body) }
}

function isStreamAsked(body: Buffer): boolean {
  if (!body.includes('stream')) return false
  try {
    return JSON.parse(body.toString()).stream === true
  } catch {
    return false
  }
}

interface Answers {
  request(head: string, body: Buffer): readonly Step[]
}

/** One connection: requests come in, steps go out, one request at a time. */
class Connection {
  readonly #socket: Socket
  readonly #answers: Answers
  #chunks: Buffer[] = []
  #size = 0
  /** Bytes that the request at hand has in all, once its head is here. */
  #wanted: number | undefined
  #headSize = 0
  #timer: NodeJS.Timeout | undefined
  #isAnswering = false

  constructor(socket: Socket, answers: Answers) {
    this.#socket = socket
    this.#answers = answers
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk)
      this.#size += chunk.length
      this.#next()
    })
    socket.on('error', () => {})
    socket.on('close', () => clearTimeout(this.#timer))
  }

  get isWithinRequest(): boolean {
    return this.#size > 0
  }

  #next(): void {
    if (this.#isAnswering || this.#size === 0) return
    if (this.#wanted === undefined) {
      const bytes = this.#joined()
      const end = bytes.indexOf(headEnd)
      if (end < 0) return
      this.#headSize = end + 4
      const length = /\r\ncontent-length: *(\d+)/i.exec(bytes.toString('latin1', 0, end))?.[1] ?? '0'
      this.#wanted = this.#headSize + Number(length)
    }
    if (this.#size < this.#wanted) return
    const bytes = this.#joined()
    const wanted = this.#wanted
    const rest = bytes.subarray(wanted)
    this.#chunks = rest.length > 0 ? [rest] : []
    this.#size = rest.length
    this.#wanted = undefined
    this.#isAnswering = true
    this.#play(
      this.#answers.request(
        bytes.toString('latin1', 0, this.#headSize),
        bytes.subarray(this.#headSize, wanted),
      ),
      0,
    )
  }

  #joined(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)]
    return this.#chunks[0] as Buffer
  }

  #play(steps: readonly Step[], from: number): void {
    for (let at = from; at < steps.length; at++) {
      const step = steps[at] as Step
      if (this.#socket.destroyed) return
      switch (step.do) {
        case 'send':
          this.#socket.write(step.bytes)
          break
        case 'end':
          this.#socket.end()
          return
        case 'reset':
          this.#socket.resetAndDestroy()
          return
        case 'wait':
          this.#timer = setTimeout(() => this.#play(steps, at + 1), step.ms)
          return
        case 'repeat':
          return this.#repeat(step.bytes, step.times, () => this.#play(steps, at + 1))
      }
    }
    this.#isAnswering = false
    this.#next()
  }

  #repeat(bytes: Buffer, times: number, then: () => void): void {
    let left = times
    const more = (): void => {
      while (left-- > 0 && !this.#socket.destroyed) {
        if (!this.#socket.write(bytes)) return void this.#socket.once('drain', more)
      }
      if (!this.#socket.destroyed) then()
    }
    more()
  }
}
