import { type IncomingHttpHeaders, request } from 'node:http'
import { connect, type Socket } from 'node:net'

/** What came back, byte for byte, and how it ended. */
export interface Received {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly bytes: Buffer
  readonly text: string
  /** `end` when the response ended as HTTP wants it, else the error's code. */
  readonly ended: string
}

export interface Sending {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Text and bytes are sent as they are, anything else as JSON. */
  readonly body?: unknown
}

export const anthropicHeaders: Readonly<Record<string, string>> = {
  'x-api-key': 'sk-of-the-caller',
  'anthropic-version': '2023-06-01',
}

/** A small Messages request. */
export function messages(changes: object = {}): Record<string, unknown> {
  const turns = [{ role: 'user', content: 'Hello?' }]
  return { model: 'claude-sonnet-5-5', max_tokens: 100, messages: turns, ...changes }
}

/** A small chat completions request. */
export function chat(changes: object = {}): Record<string, unknown> {
  return { model: 'gpt-5', messages: [{ role: 'user', content: 'Hello?' }], ...changes }
}

/** Sends one request over a connection of its own and takes whatever comes. */
export function send(url: string, { method = 'POST', headers = {}, body }: Sending = {}): Promise<Received> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      method,
      agent: false,
      headers: { 'content-type': 'application/json', ...anthropicHeaders, ...headers },
    })
    outgoing.on('error', reject)
    outgoing.on('response', (response) => {
      const chunks: Buffer[] = []
      const finish = (ended: string): void => {
        const bytes = Buffer.concat(chunks)
        const { statusCode = 0 } = response
        resolve({ status: statusCode, headers: response.headers, bytes, text: bytes.toString(), ended })
      }
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => finish('end'))
      response.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message))
    })
    outgoing.end(typeof body === 'string' || body instanceof Uint8Array ? body : body && JSON.stringify(body))
  })
}

/** A bare connection, and everything that arrives on it. */
export interface RawConnection {
  readonly socket: Socket
  readonly received: () => string
  /** Resolves when the other side has closed. */
  readonly closed: Promise<void>
}

/** Opens a connection and writes this text to it, whatever it is. */
export function openSocket(url: string, text: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(Number(port), hostname, () => {
      socket.write(text, 'latin1')
      resolve({ socket, received: () => Buffer.concat(chunks).toString('latin1'), closed })
    })
    const closed = new Promise<void>((done) => socket.on('close', () => done()))
    socket.on('error', reject)
    socket.on('data', (chunk) => chunks.push(chunk))
  })
}

/** The text of a request, as it stands on the wire. */
export function requestText(path: string, body: unknown, headers: readonly string[] = []): string {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const usual = Object.entries(anthropicHeaders).map(([name, value]) => `${name}: ${value}`)
  const length = `content-length: ${Buffer.byteLength(text)}`
  return [`POST ${path} HTTP/1.1`, 'host: 127.0.0.1', ...usual, length, ...headers, '', text].join('\r\n')
}

/** The events of an event stream: their names and parsed data. */
export function eventsOf(text: string): { name: string | undefined; data: Json }[] {
  return text
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => ({
      name: /^event: (.*)$/m.exec(event)?.[1],
      data: JSON.parse(/^data: (.*)$/m.exec(event)?.[1]?.replace('[DONE]', '"[DONE]"') ?? 'null'),
    }))
}

/** Parsed JSON of any shape. */
export type Json = ReturnType<typeof JSON.parse>
