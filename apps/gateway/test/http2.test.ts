import { writeFileSync } from 'node:fs'
import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from 'node:http2'
import { connect as connectSocket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import Anthropic from '@anthropic-ai/sdk'
import { BedrockRuntimeClient, InvokeModelCommand } from '@aws-sdk/client-bedrock-runtime'
import { type SimulatedServer, startClaude } from '@spillway/testing'
import { Agent, fetch as undiciFetch } from 'undici'
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { certificateFor } from '../../../packages/core-client/test/certificate.ts'
import type { Gateway } from '../src/index.ts'
import { clientsOf } from './clients.ts'
import { configOf, forThisTest, gatewayOf, targetAt } from './gateway.ts'
import { messages, openSocket, requestText } from './raw-client.ts'

let files: { cert: string; key: string }
let ca: string
let claude: SimulatedServer

beforeAll(async () => {
  const { cert, key } = await certificateFor('localhost')
  const { mkdtempSync } = await import('node:fs')
  const { tmpdir } = await import('node:os')
  const folder = mkdtempSync(join(tmpdir(), 'spillway-http2-'))
  files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  writeFileSync(files.cert, cert)
  writeFileSync(files.key, key)
  ca = cert
})

beforeEach(async () => {
  claude = forThisTest(await startClaude())
})

const started = (server: object = {}, more: object = {}): Promise<Gateway> =>
  gatewayOf(configOf(targetAt(claude, 'anthropic'), undefined, { server, ...more }))

/** With TLS, as browsers and SDKs speak HTTP/2; without, as those of AWS do. */
const ways: [string, () => object][] = [
  ['by TLS', () => ({ tls: files })],
  ['with prior knowledge', () => ({})],
]

function sessionTo({ url }: Gateway): ClientHttp2Session {
  const session = connect(url, { ca })
  session.on('error', () => {})
  onTestFinished(() => session.destroy())
  return session
}

interface Answer {
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly code: number | undefined
}

function ask(
  session: ClientHttp2Session,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return new Promise((resolve) => {
    const method = body === undefined ? 'GET' : 'POST'
    const stream = session.request({
      ':method': method,
      ':path': path,
      'content-type': 'application/json',
      ...headers,
    })
    let [head, text]: [IncomingHttpHeaders, string] = [{}, '']
    stream.on('response', (given) => {
      head = given
    })
    stream.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
    })
    stream.on('error', () => {})
    stream.on('close', () => resolve({ headers: head, text, code: stream.rstCode }))
    stream.end(typeof body === 'string' ? body : body && JSON.stringify(body))
  })
}

const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await holds())) await delay(10)
}

describe.each(ways)('HTTP/2 %s', (_, server) => {
  it('carries calls, streams, refusals and pages, many at a time on one connection', async () => {
    const gateway = await started(server())
    const session = sessionTo(gateway)
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, call) =>
        ask(session, '/v1/messages', messages({ stream: call % 2 === 0 })),
      ),
    )
    for (const [call, { headers, text }] of answers.entries()) {
      expect(headers[':status']).toBe(200)
      expect(headers['x-spillway-call-id']).toHaveLength(36)
      if (call % 2 === 0) expect(text).toMatch(/event: message_stop\ndata: .*\n\n$/)
      else expect(JSON.parse(text).type).toBe('message')
      for (const name of ['connection', 'keep-alive', 'transfer-encoding'])
        expect(headers).not.toHaveProperty(name)
    }
    const bad = await ask(session, '/v1/messages', '{')
    expect([bad.headers[':status'], JSON.parse(bad.text).error.type]).toEqual([400, 'invalid_request_error'])
    expect((await ask(session, '/healthz')).headers[':status']).toBe(200)
    expect((await ask(session, '/v1/v1/messages', {})).text).toContain(gateway.url)
    const { headers } = claude.requests[0] as { headers: Record<string, unknown> }
    expect(Object.keys(headers).filter((name) => name.startsWith(':') || name === 'te')).toEqual([])
    const { text } = await ask(session, '/metrics')
    expect(text).toMatch(/spillway_server_connections\S* 1\b/)
  })

  it('carries large bodies both ways, and asks for a body that waits to be asked for', async () => {
    const reply = { text: 'y'.repeat(3_000_000) }
    claude = forThisTest(await startClaude({ reply }))
    const session = sessionTo(await started(server()))
    const large = messages({ messages: [{ role: 'user', content: 'x'.repeat(5_000_000) }] })
    const { text } = await ask(session, '/v1/messages', large)
    expect(JSON.parse(text).content[0].text).toHaveLength(3_000_000)
    expect(claude.requests[0]?.json).toEqual(large)
    const stream = session.request({ ':method': 'POST', ':path': '/v1/messages', expect: '100-continue' })
    await new Promise((resolve) => stream.on('continue', resolve))
    stream.end(JSON.stringify(messages()))
    const status = await new Promise((resolve) => stream.on('response', (head) => resolve(head[':status'])))
    expect(status).toBe(200)
  })

  it('has an end of a call by RST_STREAM in both directions, and the connection goes on', async () => {
    const gateway = await started(server())
    const session = sessionTo(gateway)
    claude.always({ type: 'stall', afterChunks: 1, ms: 60_000 })
    const stream = session.request({ ':method': 'POST', ':path': '/v1/messages' })
    stream.end(JSON.stringify(messages({ stream: true })))
    stream.on('error', () => {})
    await new Promise((resolve) => stream.once('data', resolve))
    stream.close(constants.NGHTTP2_CANCEL)
    await claude.requests[0]?.closedByPeer
    // A body that is broken off is none.
    const half = session.request({ ':method': 'POST', ':path': '/v1/messages' })
    half.on('error', () => {})
    half.write(JSON.stringify(messages()).slice(0, 20))
    await delay(50)
    half.close(constants.NGHTTP2_CANCEL)
    claude.always(undefined)
    expect((await ask(session, '/v1/messages', messages())).headers[':status']).toBe(200)
    expect(claude.requests).toHaveLength(2)
    const { text } = await ask(session, '/metrics')
    expect(text).toMatch(/spillway_server_calls\{[^}]*interactive[^}]*\} 0\b/)
  })

  it('drains: no more streams (GOAWAY), those that are open end, and what does not end in time looks cut', async () => {
    const gateway = await started(server())
    const [session, other] = [sessionTo(gateway), sessionTo(gateway)]
    await Promise.all([session, other].map((each) => ask(each, '/healthz')))
    claude.always({ type: 'stall', afterChunks: 1, ms: 300 })
    const short = ask(session, '/v1/messages', messages({ stream: true }))
    await until(() => claude.requests.length === 1)
    claude.always({ type: 'stall', afterChunks: 1, ms: Infinity })
    const long = ask(other, '/v1/messages', messages({ stream: true }))
    await until(() => claude.requests.length === 2)
    const goaway = new Promise((resolve) => session.on('goaway', resolve))
    const closing = gateway.close(1_500)
    expect(await goaway).toBe(constants.NGHTTP2_NO_ERROR)
    expect((await short).text).toContain('message_stop')
    const { text, code } = await long
    expect(text).not.toContain('message_stop')
    expect(code).not.toBe(constants.NGHTTP2_NO_ERROR)
    await closing
  })

  it('loses no call of a client that goes elsewhere when it is asked to, whether it is told early or late', async () => {
    claude = forThisTest(await startClaude({ chunks: 3, chunkDelayMs: 10 }))
    let calls = 0
    for (const drainDelay of [0, 400]) {
      const [leaving, staying] = [await started(server()), await started(server())]
      let [session, goesTo] = [sessionTo(leaving), 'leaving']
      // As clients do that hear of GOAWAY: those of Node open no more streams then.
      const use = (next: ClientHttp2Session): ClientHttp2Session => {
        next.once('goaway', () => {
          goesTo = 'staying'
          session = use(sessionTo(staying))
        })
        return next
      }
      use(session)
      const answers: Promise<Answer>[] = []
      let isOver = false
      // What the client itself has held back when it heard of it was never sent.
      const one = async (stream: boolean): Promise<Answer> => {
        const answer = await ask(session, '/v1/messages', messages({ stream }))
        return answer.code === constants.NGHTTP2_REFUSED_STREAM ? one(stream) : answer
      }
      const calling = (async () => {
        for (let call = 0; !isOver; call++) {
          answers.push(one(call % 2 === 0))
          await delay(2)
        }
      })()
      await until(() => answers.length > 30)
      await leaving.close(5_000, drainDelay)
      expect(goesTo).toBe('staying')
      isOver = true
      await calling
      const statuses = (await Promise.all(answers)).map(({ headers, code }) => [headers[':status'], code])
      expect(new Set(statuses.map(String))).toEqual(new Set(['200,0']))
      calls += answers.length
      expect(claude.requests).toHaveLength(calls)
    }
  })

  it('asks clients to leave while it still serves them, also those who come then', async () => {
    const gateway = await started(server())
    const session = sessionTo(gateway)
    await ask(session, '/healthz')
    const asked = new Promise((resolve) => session.on('goaway', (code, last) => resolve([code, last])))
    claude.always({ type: 'stall', afterChunks: 1, ms: 200 })
    const begun = ask(session, '/v1/messages', messages({ stream: true }))
    await until(() => claude.requests.length === 1)
    const closing = gateway.close(5_000, 60_000)
    expect(await asked).toEqual([constants.NGHTTP2_NO_ERROR, 2 ** 31 - 1])
    expect((await begun).text).toContain('message_stop')
    const late = sessionTo(gateway)
    const askedToo = new Promise((resolve) => late.on('goaway', resolve))
    expect((await ask(late, '/v1/messages', messages())).headers[':status']).toBe(200)
    expect(await askedToo).toBe(constants.NGHTTP2_NO_ERROR)
    await gateway.close(5_000)
    await closing
  })

  it('cuts the stream of a client that takes nothing, and no other one of its connection', async () => {
    claude = forThisTest(await startClaude({ reply: { text: 'x'.repeat(5_000_000) } }))
    const session = sessionTo(await started({ ...server(), stallTimeout: '300ms' }))
    const stuck = session.request({ ':method': 'POST', ':path': '/v1/messages' })
    stuck.on('error', () => {})
    stuck.end(JSON.stringify(messages()))
    // Nobody reads it, so its window stays closed.
    await new Promise((resolve) => stuck.on('close', resolve).on('aborted', resolve))
    expect((await ask(session, '/healthz')).headers[':status']).toBe(200)
  })

  it('keeps hosts, pages and keys apart as over HTTP/1.1', async () => {
    const clients = await clientsOf({ web: {} })
    const session = sessionTo(await started({ ...server(), ...clients.server }))
    const statusOf = async (headers: Record<string, string>, body: unknown = messages()) =>
      (await ask(session, '/v1/messages', body, headers)).headers[':status']
    const key = { 'x-api-key': clients.keys.web as string }
    expect(await statusOf(key)).toBe(200)
    expect(await statusOf({})).toBe(401)
    expect(await statusOf({ ...key, ':authority': 'evil.example' })).toBe(403)
    expect(await statusOf({ ...key, ':authority': 'localhost', host: 'evil.example' })).toBe(400)
    expect(await statusOf({ ...key, origin: 'https://evil.example' })).toBe(403)
    expect(JSON.stringify(claude.requests)).not.toContain(clients.keys.web)
  })

  it('closes connections that idle', async () => {
    const session = sessionTo(await started({ ...server(), keepAliveTimeout: '200ms' }))
    expect((await ask(session, '/healthz')).headers[':status']).toBe(200)
    claude.always({ type: 'slow-headers', ms: 500 })
    expect((await ask(session, '/v1/messages', messages())).headers[':status']).toBe(200)
    await new Promise((resolve) => session.on('close', resolve))
  })
})

it('clients choose with TLS, and server.http2: false leaves HTTP/1.1', async () => {
  const agent = (allowH2: boolean) => {
    const made = new Agent({ allowH2, connect: { ca } })
    onTestFinished(() => made.destroy())
    return made
  }
  const versionOf = async (gateway: Gateway, allowH2: boolean): Promise<string> => {
    const session = new Promise<string>((resolve) => {
      const dispatcher = agent(allowH2)
      void undiciFetch(`${gateway.url}/healthz`, { dispatcher }).then((response) =>
        resolve(response.headers.has('connection') ? '1.1' : '2'),
      )
    })
    return session
  }
  const both = await started({ tls: files })
  expect([await versionOf(both, true), await versionOf(both, false)]).toEqual(['2', '1.1'])
  const one = await started({ tls: files, http2: false })
  expect(await versionOf(one, true)).toBe('1.1')
  const plain = await started({ http2: false })
  const { received, closed } = await openSocket(plain.url, preface)
  await closed
  expect(received()).toMatch(/^HTTP\/1\.1 400 /)
})

it('an official SDK streams over HTTP/2 and TLS', async () => {
  const gateway = await started({ tls: files })
  const dispatcher = new Agent({ allowH2: true, connect: { ca } })
  onTestFinished(() => dispatcher.destroy())
  const anthropic = new Anthropic({
    baseURL: gateway.url,
    apiKey: 'sk-any',
    fetch: undiciFetch as never,
    fetchOptions: { dispatcher } as never,
  })
  const message = await anthropic.messages.stream(messages() as never).finalMessage()
  expect(message.stop_reason).toBe('end_turn')
})

it('AWS’s SDK, which begins with HTTP/2 without TLS, is answered', async () => {
  const gateway = await started()
  const bedrock = new BedrockRuntimeClient({
    region: 'us-east-1',
    endpoint: gateway.url,
    token: { token: 'bedrock-api-key-any' },
    authSchemePreference: ['httpBearerAuth'],
  })
  onTestFinished(() => bedrock.destroy())
  const { model: _, ...asked } = messages()
  const body = JSON.stringify({ ...asked, anthropic_version: 'bedrock-2023-05-31' })
  const modelId = 'anthropic.claude-sonnet-5-5'
  const whole = await bedrock.send(new InvokeModelCommand({ modelId, body, contentType: 'application/json' }))
  expect(JSON.parse(Buffer.from(whole.body).toString()).type).toBe('message')
})

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

/** A frame as it is on the wire. */
function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** `:method: GET`, `:scheme: http`, `:path: /`, `:authority: localhost` in HPACK, without Huffman codes. */
const headerBlock = Buffer.concat([Buffer.from([0x82, 0x86, 0x84, 0x41, 9]), Buffer.from('localhost')])
const rstStream = (stream: number): Buffer => frame(3, 0, stream, Buffer.from([0, 0, 0, 8]))

describe('a client that attacks HTTP/2', () => {
  const attacks: [string, () => Iterable<Buffer>][] = [
    [
      'resets what it opens, as fast as it can (CVE-2023-44487)',
      function* () {
        for (let stream = 1; stream < 12_000; stream += 2) {
          yield frame(1, 4 | 1, stream, headerBlock)
          yield rstStream(stream)
        }
      },
    ],
    [
      'sends headers without end (CVE-2024-27983)',
      function* () {
        yield frame(1, 1, 1, headerBlock)
        for (let piece = 0; piece < 5_000; piece++) yield frame(9, 0, 1, Buffer.alloc(1_000, 0x20))
      },
    ],
    [
      'asks for answers to pings without reading them (CVE-2019-9512)',
      function* () {
        for (let count = 0; count < 100_000; count++) yield frame(6, 0, 0, Buffer.alloc(8))
      },
    ],
    [
      'sends empty frames (CVE-2019-9518)',
      function* () {
        yield frame(1, 4, 1, headerBlock)
        for (let count = 0; count < 200_000; count++) yield frame(0, 0, 1)
      },
    ],
  ]

  it.each(attacks)('%s is disconnected, and others are served', async (_, frames) => {
    const gateway = await started({ bodyTimeout: '500ms' })
    const { port } = new URL(gateway.url)
    const socket = connectSocket(Number(port), '127.0.0.1')
    socket.on('error', () => {})
    const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()))
    let isClosed = false
    void closed.then(() => {
      isClosed = true
    })
    socket.write(preface)
    socket.write(frame(4, 0, 0))
    // Reads the beginning alone.
    socket.once('data', () => socket.pause())
    let pieces: Buffer[] = []
    for (const piece of frames()) {
      pieces.push(piece)
      // Many at once: it is the answers that wait which are counted.
      if (pieces.length < 5_000) continue
      if (isClosed) break
      socket.write(Buffer.concat(pieces))
      pieces = []
      await delay(1)
    }
    if (!isClosed) socket.write(Buffer.concat(pieces))
    setTimeout(() => socket.resume(), 300)
    await closed
    expect((await ask(sessionTo(gateway), '/v1/messages', messages())).headers[':status']).toBe(200)
  })

  it('opens more streams than it may is refused those', async () => {
    const session = sessionTo(await started({ http2: { maxConcurrentStreams: 3 } }))
    await ask(session, '/healthz')
    expect(session.remoteSettings.maxConcurrentStreams).toBe(3)
    claude.always({ type: 'slow-headers', ms: 100 })
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => ask(session, '/v1/messages', messages())),
    )
    expect(answers.map(({ headers }) => headers[':status'])).toEqual(Array(6).fill(200))
  })
})

it('without TLS the first bytes may come in pieces, of either protocol, or not at all', async () => {
  const gateway = await started({ headersTimeout: '300ms' })
  const { port } = new URL(gateway.url)
  const inPieces = async (text: string): Promise<string> => {
    const socket = connectSocket(Number(port), '127.0.0.1')
    let said = ''
    socket
      .on('error', () => {})
      .setEncoding('latin1')
      .on('data', (piece: string) => {
        said += piece
      })
    for (const letter of text) {
      socket.write(letter)
      await delay(2)
    }
    await Promise.race([delay(500), new Promise((resolve) => socket.on('close', resolve))])
    socket.destroy()
    return said
  }
  expect(await inPieces('GET /healthz HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /)
  expect(await inPieces('PRIVATE /healthz HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 4/)
  expect((await inPieces(preface)).charCodeAt(3)).toBe(4)
  expect(await inPieces('PR')).toMatch(/^HTTP\/1\.1 408 /)
  expect(await inPieces('')).toMatch(/^HTTP\/1\.1 408 /)
  const pipelined = await openSocket(gateway.url, requestText('/v1/messages', messages()).repeat(3))
  await until(() => pipelined.received().split('HTTP/1.1 200').length === 4)
  pipelined.socket.destroy()
})
