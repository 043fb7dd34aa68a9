import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { models } from './config.ts'
import { answerTo, promptOf, type TargetName } from './vendor.ts'

/** One call as its client has seen it. */
export interface SeenCall {
  readonly call: number
  readonly target: TargetName
  readonly client: string
  /** The gateway that it was sent to last: those before refused the connection. */
  readonly gateway: string
  /** The client's end of the connection, and when that was opened; undefined where there was none. */
  readonly port: number | undefined
  readonly connectedAt: number | undefined
  /** `performance.now()` when it was sent there, and when its client knew what became of it. */
  readonly sentAt: number
  readonly endedAt: number
  /** `lost` where the connection broke, or the answer is not whole. */
  readonly outcome: 'answered' | 'refused' | 'lost'
  readonly status: number | undefined
  /** What came instead of an answer. */
  readonly problem: string | undefined
  /** The gateway's id of the call. */
  readonly id: string | undefined
}

/** A call that is to be made. */
export interface CallPlan {
  readonly call: number
  readonly target: TargetName
  readonly client: string
  readonly key: string
}

/** How long a client waits for the next byte, in milliseconds: longer than anything here is away. */
const longestSilence = 60_000

/** As official SDKs have it: connections are kept and used again. */
export const newAgent = (): Agent => new Agent({ keepAlive: true, timeout: longestSilence })

/** The conversation of a call, by which the books know it. */
export const sessionOf = (call: number): string => `fleet-${call}`

const isRefusal = (status: number): boolean => [401, 403, 429].includes(status)

const openedAt = new WeakMap<Socket, number>()

/** Makes a call once. @returns undefined where no connection was opened, so that nothing has been sent */
export async function makeCall(
  agent: Agent,
  gateway: { readonly name: string; readonly url: string },
  { call, target, client, key }: CallPlan,
): Promise<SeenCall | undefined> {
  const stream = target === 'streams'
  const body = JSON.stringify({
    ...{ model: models[target], max_tokens: 25, stream },
    messages: [{ role: 'user', content: promptOf(call) }],
  })
  const sentAt = performance.now()
  const outgoing = request(`${gateway.url}/v1/messages`, {
    ...{ method: 'POST', agent },
    headers: {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'anthropic-version': '2023-06-01',
      'x-api-key': key,
      'x-claude-code-session-id': sessionOf(call),
    },
  })
  const connection = connectionOf(outgoing)
  let [id, status]: [string | undefined, number | undefined] = [undefined, undefined]
  const end = (outcome: SeenCall['outcome'], problem?: string): SeenCall => ({
    ...{ call, target, client, gateway: gateway.name, sentAt, endedAt: performance.now() },
    ...{ outcome, status, problem, id, port: connection.port, connectedAt: connection.openedAt },
  })
  try {
    const response = await answerOf(outgoing, body)
    status = response.statusCode ?? 0
    id = String(response.headers['x-spillway-call-id'])
    const said = await text(response)
    if (isRefusal(status)) return end('refused', `${status} ${said.slice(0, 300)}`)
    if (status !== 200) return end('lost', `${status} ${said.slice(0, 300)}`)
    return isWhole(said, stream, call) ? end('answered') : end('lost', `not its answer: ${said.slice(-300)}`)
  } catch (error) {
    if (connection.port === undefined) return undefined
    const { code = '', message } = error as NodeJS.ErrnoException
    return end('lost', `${code} ${message}`.trim())
  }
}

function answerOf(outgoing: ClientRequest, body: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    outgoing.on('response', resolve)
    outgoing.on('error', reject)
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no byte came for ${longestSilence / 1_000} s`)))
    outgoing.end(body)
  })
}

/** Where a request is sent from, once it is connected. */
function connectionOf(outgoing: ClientRequest): {
  port: number | undefined
  openedAt: number | undefined
} {
  const connection: ReturnType<typeof connectionOf> = { port: undefined, openedAt: undefined }
  outgoing.on('socket', (socket) => {
    const use = (): void => {
      if (!openedAt.has(socket)) openedAt.set(socket, performance.now())
      connection.port = socket.localPort
      connection.openedAt = openedAt.get(socket)
    }
    if (socket.connecting) socket.once('connect', use)
    else use()
  })
  return connection
}

/** Whether this is the answer to this call, to its last byte. */
function isWhole(said: string, stream: boolean, call: number): boolean {
  const pieces = stream
    ? [...said.matchAll(/"text_delta","text":"([^"]*)"/g)].map(([, piece]) => piece)
    : [said]
  const ends = stream ? said.split('event: message_stop').length - 1 : 1
  return ends === 1 && new RegExp(`${answerTo(call)}\\b`).test(pieces.join(''))
}
