import { connect, type Socket } from 'node:net'
import type { FuzzCase, Step } from './fuzz-case.ts'
import { type HttpAnswer, HttpReader } from './read-http.ts'

/** How a case ended for its client. */
export interface Exchange {
  readonly answers: readonly HttpAnswer[]
  /** What was wrong with the bytes that came. */
  readonly problem: string | undefined
  /** `hang` when the bound was reached first. */
  readonly ended: 'answered' | 'closed' | 'left' | 'hang'
  readonly ms: number
}

/** So long may a case take, in milliseconds; far above the sum of all limits that the gateway is configured with. */
export const bound = 20_000

/** Connections that are kept for cases that share them. */
export class Client {
  readonly #port: number
  readonly #idle: Socket[] = []
  #isClosed = false

  constructor(port: number) {
    this.#port = port
  }

  /** Does what the case says, and takes what comes. */
  async run(fuzzCase: FuzzCase): Promise<Exchange> {
    for (let tries = 0; ; tries++) {
      const kept = fuzzCase.request.isShared ? this.#idle.pop() : undefined
      const exchange = await new Run(kept ?? this.#open(), fuzzCase, this.#keep).ended
      // The gateway may close an idle connection at any time: just then it has not seen the request.
      const wasStale = kept !== undefined && exchange.ended === 'closed' && exchange.answers.length === 0
      if (!wasStale || tries > 2) return exchange
    }
  }

  close(): void {
    this.#isClosed = true
    for (const socket of this.#idle.splice(0)) socket.destroy()
  }

  #open(): Socket {
    return connect({ port: this.#port, host: '127.0.0.1', noDelay: true })
  }

  readonly #keep = (socket: Socket): void => {
    if (this.#isClosed) return void socket.destroy()
    this.#idle.push(socket)
    socket.once('close', () => {
      const at = this.#idle.indexOf(socket)
      if (at >= 0) this.#idle.splice(at, 1)
    })
    socket.on('error', () => {})
  }
}

/** One case on one connection. */
class Run {
  readonly ended: Promise<Exchange>
  readonly #case: FuzzCase
  readonly #socket: Socket
  readonly #keep: (socket: Socket) => void
  readonly #reader: HttpReader
  readonly #resolve: (exchange: Exchange) => void
  readonly #startedAt = performance.now()
  readonly #bound: NodeJS.Timeout
  #timer: NodeJS.Timeout | undefined
  #isDone = false
  #hasLeft = false

  constructor(socket: Socket, fuzzCase: FuzzCase, keep: (socket: Socket) => void) {
    this.#case = fuzzCase
    this.#socket = socket
    this.#keep = keep
    this.#reader = new HttpReader(fuzzCase.request.isHead)
    const { promise, resolve } = Promise.withResolvers<Exchange>()
    this.ended = promise
    this.#resolve = resolve
    this.#bound = setTimeout(() => this.#finish('hang'), bound)
    forget(socket)
    socket.on('data', this.#data)
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#reader.end()
      this.#finish(this.#hasLeft ? 'left' : 'closed')
    })
    this.#play(0)
  }

  #play(from: number): void {
    const { steps, leavesAfter } = this.#case.request
    for (let at = from; at < steps.length; at++) {
      const step = steps[at] as Step
      if (this.#isDone || this.#socket.destroyed) return
      if (step.do === 'wait') {
        this.#timer = setTimeout(() => this.#play(at + 1), step.ms)
        return
      }
      if (step.do === 'send') this.#socket.write(step.bytes)
      else if (step.do === 'end') {
        this.#hasLeft = true
        this.#socket.end()
      } else if (step.do === 'reset') {
        this.#hasLeft = true
        this.#socket.resetAndDestroy()
      }
    }
    if (leavesAfter !== undefined) this.#timer = setTimeout(() => this.#leave(), leavesAfter)
  }

  #leave(): void {
    // An answer that has begun is taken to its end.
    if (this.#reader.hasPart && this.#case.request.leavesAfterAnswer === undefined && !this.#hasLeft) {
      this.#timer = setTimeout(() => this.#leave(), 50)
      return
    }
    this.#hasLeft = true
    this.#finish('left')
  }

  readonly #data = (chunk: Buffer): void => {
    const { answers, leavesAfterAnswer, isShared } = this.#case.request
    this.#reader.push(chunk)
    if (this.#reader.problem !== undefined) return this.#finish('answered')
    if (leavesAfterAnswer !== undefined) {
      this.#timer ??= setTimeout(() => this.#leave(), leavesAfterAnswer)
      return
    }
    if (answers === undefined || this.#reader.answers.length < answers) return
    // What is sent too much would otherwise be taken for the answer to another case.
    if (this.#reader.hasPart) return this.#finish('answered')
    if (isShared && this.#isKept()) {
      forget(this.#socket)
      this.#keep(this.#socket)
      this.#finish('answered', true)
    } else this.#finish('answered')
  }

  #isKept(): boolean {
    const last = this.#reader.answers.at(-1)
    return last?.headers.get('connection')?.[0]?.toLowerCase() !== 'close' && !this.#socket.destroyed
  }

  #finish(ended: Exchange['ended'], keeps = false): void {
    if (this.#isDone) return
    this.#isDone = true
    clearTimeout(this.#timer)
    clearTimeout(this.#bound)
    if (!keeps) this.#socket.destroy()
    const { answers, problem, hasPart } = this.#reader
    this.#resolve({
      answers,
      problem: problem ?? (ended === 'answered' && hasPart ? 'more bytes than answers' : undefined),
      ended,
      ms: performance.now() - this.#startedAt,
    })
  }
}

/** Not those of Node itself, which end a connection that the other side has ended. */
function forget(socket: Socket): void {
  for (const event of ['data', 'error', 'close']) socket.removeAllListeners(event)
}
