import type { ServerResponse } from 'node:http'
import type { Recording } from './recorded-request.ts'
import type { Step } from './script.ts'

const longestTimer = 2 ** 31 - 1

/** So long do bytes written get to reach the client before a reset, which would overtake them. */
const beforeReset = 5

/** One response being given: writes, waits, and stops as soon as the client has gone. */
export class Exchange {
  readonly #response: ServerResponse
  readonly #request: Recording
  readonly #record: boolean
  #over = false
  /** Whether the end is the server's own doing. */
  #ours = false
  #timer: NodeJS.Timeout | undefined
  #wake: (() => void) | undefined

  constructor(response: ServerResponse, request: Recording, record: boolean) {
    this.#response = response
    this.#request = request
    this.#record = record
    response.on('finish', () => {
      request.finishedAt = performance.now()
    })
    response.on('close', () => {
      this.#over = true
      if (!response.writableFinished && !this.#ours) request.peerClosed()
      clearTimeout(this.#timer)
      this.#wake?.()
    })
  }

  /** Gives a whole response in one write. */
  whole(status: number, headers: Readonly<Record<string, string>>, body: Buffer): void {
    if (this.#over) return
    this.#request.status = status
    if (this.#record) this.#request.keep(body)
    this.#response.writeHead(status, headers)
    this.#response.end(body)
  }

  /** Plays a script to its end, or until the client goes. */
  async play(steps: Iterable<Step>): Promise<void> {
    for (const step of steps) {
      if (this.#over) return
      switch (step.do) {
        case 'wait':
          await this.#wait(step.ms)
          break
        case 'head':
          this.#request.status = step.status
          this.#response.writeHead(step.status, step.headers)
          this.#response.flushHeaders()
          break
        case 'send':
          await this.#send(typeof step.data === 'string' ? Buffer.from(step.data) : step.data)
          break
        case 'end':
          this.#response.end()
          return
        case 'reset':
          await this.#reset()
          return
      }
    }
  }

  /** The server closes; the end of the response is not the client's doing. */
  abandon(): void {
    this.#ours = true
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
      if (ms <= 0) setImmediate(resolve)
      else if (ms !== Infinity) this.#timer = setTimeout(resolve, Math.min(ms, longestTimer))
    })
  }

  /** Waits for the socket to drain where it is full, so that `finishedAt` and memory stay honest. */
  async #send(bytes: Buffer): Promise<void> {
    if (bytes.length === 0) return
    if (this.#record) this.#request.keep(bytes)
    if (this.#response.write(bytes)) return
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      this.#response.once('drain', resolve)
    })
  }

  async #reset(): Promise<void> {
    if (this.#response.headersSent) await this.#wait(beforeReset)
    if (this.#over) return
    this.#ours = true
    this.#response.socket?.resetAndDestroy()
  }
}
