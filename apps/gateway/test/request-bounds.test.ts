import { setTimeout as delay } from 'node:timers/promises'
import { type SimulatedServer, startClaude } from '@spillway/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { configOf, gatewayOf, targetAt } from './gateway.ts'
import { chat, messages, openSocket, type Received, requestText, send } from './raw-client.ts'

const MB = 1_000_000

let claude: SimulatedServer

beforeEach(async () => {
  claude = await startClaude()
})

afterEach(async () => {
  await claude.close()
})

async function gatewayUrl(server: object = {}): Promise<string> {
  const { url } = await gatewayOf(configOf(targetAt(claude, 'anthropic'), undefined, { server }))
  return url
}

const messageOf = ({ text }: Received): string => JSON.parse(text).error.message

describe('a body that has too much', () => {
  const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`

  it.each<[string, string, RegExp]>([
    ['levels', `{"model":"m","a":${nested(5_000)}}`, /256 levels/],
    ['values', `{"model":"m","a":[${'{},'.repeat(400_000)}1]}`, /320000 JSON values/],
    [
      'shapes of objects',
      `{"model":"m","a":[${Array.from({ length: 40_000 }, (_, index) => `{"n${index}":1}`)}]}`,
      /32768 different shapes/,
    ],
    ['fields', `{"model":"m"${',"a":1'.repeat(1_000)}}`, /1000 fields/],
    ['bytes in the name of a field', `{"model":"m","${'a'.repeat(2_000)}":1}`, /1024 bytes/],
    [
      'characters in the name of a model',
      JSON.stringify(messages({ model: 'm'.repeat(257) })),
      /256 characters/,
    ],
    [
      'megabytes in the name of a model',
      JSON.stringify(messages({ model: 'm'.repeat(30 * MB) })),
      /256 char/,
    ],
  ])('is refused in the client’s protocol, and never sent: %s', async (_, body, expected) => {
    const url = await gatewayUrl()
    const anthropic = await send(`${url}/v1/messages`, { body })
    expect(anthropic.status).toBe(400)
    expect(JSON.parse(anthropic.text)).toMatchObject({
      type: 'error',
      error: { type: 'invalid_request_error' },
    })
    expect(messageOf(anthropic)).toMatch(expected)
    const openai = await send(`${url}/v1/chat/completions`, { body })
    expect(openai.status).toBe(400)
    expect(messageOf(openai)).toMatch(expected)
    expect(claude.requests).toHaveLength(0)
  })

  it('is not one with as much as vendors take', async () => {
    const url = await gatewayUrl()
    const turns = Array.from({ length: 100_000 }, (_, index) => ({
      role: index % 2 === 0 ? 'user' : 'assistant',
      content: `turn ${index}`,
    }))
    const { status } = await send(`${url}/v1/messages`, { body: messages({ messages: turns }) })
    expect(status).toBe(200)
    const longest = await send(`${url}/v1/messages`, { body: messages({ model: 'm'.repeat(256) }) })
    expect(longest.status).toBe(200)
  })
})

it('the name of a session has an end, since it is kept', async () => {
  const url = await gatewayUrl()
  for (const name of ['x-spillway-session', 'x-claude-code-session-id']) {
    const ask = (length: number) =>
      send(`${url}/v1/messages`, { body: messages(), headers: { [name]: 's'.repeat(length) } })
    expect((await ask(256)).status).toBe(200)
    const refused = await ask(257)
    expect(refused.status).toBe(400)
    expect(messageOf(refused)).toContain('256 characters')
  }
})

describe('a name that another server may read differently', () => {
  it.each([
    '{"model":"allowed","Model":"expensive"}',
    '{"Model":"expensive","model":"allowed"}',
    '{"model":"allowed","model":"expensive"}',
    '{"model":"allowed","mod\\u0065l":"expensive"}',
    '{"model":"allowed","model\\u0000":"expensive"}',
    '{"model":"allowed","stream":false,"\u017ftream":true}',
  ])('is refused: %s', async (body) => {
    const url = await gatewayUrl()
    const received = await send(`${url}/v1/messages`, { body })
    expect(received.status).toBe(400)
    expect(messageOf(received)).toMatch(/model|stream/)
    expect(claude.requests).toHaveLength(0)
  })

  it('is not one inside of something, or of something else', async () => {
    const url = await gatewayUrl()
    const body = messages({ metadata: { user_id: 'u' }, Unknown: 1, unknown: 2 })
    await send(`${url}/v1/messages`, {
      body: JSON.stringify(body).replace('"user_id"', '"model":"a","Model":"b","user_id"'),
    })
    expect(claude.requests).toHaveLength(1)
  })
})

describe('requests in flight', () => {
  const large = (bytes: number): string =>
    JSON.stringify(messages({ messages: [{ role: 'user', content: 'x'.repeat(bytes) }] }))

  it('beyond the bound are refused before they are sent, and taken again when others are over', async () => {
    const url = await gatewayUrl({ maxInFlightBytes: '10MB' })
    claude.next({ type: 'stall', afterChunks: 0, ms: 600 })
    const first = send(`${url}/v1/messages`, { body: large(6 * MB) })
    while (claude.requests.length === 0) await delay(5)
    // Nothing but the head of the request is sent.
    const head = requestText('/v1/messages', '', []).replace('content-length: 0', `content-length: ${6 * MB}`)
    const second = await openSocket(url, head)
    while (!second.received().includes('overloaded_error')) await delay(5)
    expect(second.received()).toMatch(/^HTTP\/1\.1 529 /)
    expect(second.received()).toMatch(/\r\nretry-after: 1\r\n/)
    second.socket.destroy()
    const whole = await send(`${url}/v1/chat/completions`, { body: chat({ user: 'x'.repeat(6 * MB) }) })
    expect(whole.status, 'a client that sends it all sees the answer').toBe(529)
    expect(JSON.parse(whole.text).error.message).toContain('server.maxInFlightBytes')
    expect((await send(`${url}/v1/messages`, { body: messages() })).status, 'small ones pass').toBe(200)
    expect((await first).status).toBe(200)
    expect((await send(`${url}/v1/messages`, { body: large(6 * MB) })).status).toBe(200)
  })

  it('count as they arrive where their length is not announced', async () => {
    const url = await gatewayUrl({ maxInFlightBytes: '5MB' })
    claude.next({ type: 'stall', afterChunks: 0, ms: 600 })
    const first = send(`${url}/v1/messages`, {
      body: large(3 * MB),
      headers: { 'transfer-encoding': 'chunked' },
    })
    while (claude.requests.length === 0) await delay(5)
    const second = await send(`${url}/v1/messages`, {
      body: large(3 * MB),
      headers: { 'transfer-encoding': 'chunked' },
    })
    expect(second.status).toBe(529)
    expect((await first).status).toBe(200)
  })

  it('are told in /metrics, and let go of when a client leaves', async () => {
    const url = await gatewayUrl({ maxInFlightBytes: '5MB' })
    const metric = async (start: string): Promise<number> => {
      const { text } = await send(`${url}/metrics`, { method: 'GET' })
      const line = text.split('\n').find((each) => each.startsWith(start))
      return Number(line?.split(' ').at(-1))
    }
    claude.always({ type: 'stall', afterChunks: 0, ms: Infinity })
    const body = large(3 * MB)
    const half = await openSocket(url, requestText('/v1/messages', body).slice(0, -1 * MB))
    const asked = await openSocket(url, requestText('/v1/messages', large(1 * MB)))
    while (claude.requests.length === 0) await delay(5)
    expect(await metric('spillway_server_request_bytes')).toBeGreaterThan(4 * MB)
    expect(await metric('spillway_server_connections')).toBe(3)
    expect((await send(`${url}/v1/messages`, { body: large(2 * MB) })).status).toBe(529)
    half.socket.destroy()
    asked.socket.destroy()
    while ((await metric('spillway_server_request_bytes')) > 0) await delay(20)
    expect(await metric('spillway_server_turned_away_total{spillway_server_bound="maxInFlightBytes"')).toBe(1)
  })

  it('larger than all that may be held are too large, whoever waits', async () => {
    const url = await gatewayUrl({ maxInFlightBytes: '1MiB' })
    const received = await send(`${url}/v1/messages`, { body: large(2 * MB) })
    expect(received.status).toBe(413)
    expect(messageOf(received)).toContain('server.maxInFlightBytes')
  })

  it('that are small do not meet the bound, 2,000 at a time', async () => {
    const url = await gatewayUrl({ maxInFlightBytes: '5MB' })
    const answers = await Promise.all(
      Array.from({ length: 2_000 }, () => send(`${url}/v1/messages`, { body: messages() })),
    )
    expect(answers.filter(({ status }) => status !== 200)).toEqual([])
  })

  it('are asked for by clients that wait to be asked, and only where they can be taken', async () => {
    const url = await gatewayUrl({ maxInFlightBytes: '5MB' })
    const text = JSON.stringify(messages())
    const head = (length: number): string =>
      requestText('/v1/messages', '', ['expect: 100-continue']).replace(
        'content-length: 0',
        `content-length: ${length}`,
      )
    const taken = await openSocket(url, head(text.length))
    while (!taken.received().startsWith('HTTP/1.1 100 Continue')) await delay(5)
    taken.socket.write(text + requestText('/v1/messages', messages(), ['connection: close']))
    await taken.closed
    const statuses = taken.received().match(/HTTP\/1\.1 \d+/g)
    expect(statuses, 'the connection is used again').toEqual(['HTTP/1.1 100', 'HTTP/1.1 200', 'HTTP/1.1 200'])
    const refused = await openSocket(url, head(6 * MB))
    // What would come next might be the body or another request.
    await refused.closed
    expect(refused.received()).toMatch(/^HTTP\/1\.1 413 /)
  })
})

it('a client that does not look before it has written sees why it was refused, though it wants the connection closed', async () => {
  const url = await gatewayUrl({ maxInFlightBytes: '1MiB' })
  const text = requestText('/v1/messages', 'x'.repeat(20 * MB), ['connection: close'])
  for (let time = 0; time < 5; time++) {
    const { socket, received, closed } = await openSocket(url, text)
    socket.pause()
    const failed = new Promise<void>((resolve) => socket.on('error', () => resolve()))
    const written = new Promise<void>((resolve) => socket.write('', () => resolve()))
    await Promise.race([written, failed])
    socket.resume()
    await closed
    expect(received()).toMatch(/^HTTP\/1\.1 413 /)
    expect(received()).toContain('server.maxInFlightBytes')
  }
})

it('a body that is wrong is read to its end, so that its client sees what is wrong', async () => {
  const url = await gatewayUrl({ maxInFlightBytes: '2MB' })
  const received = await send(`${url}/v1/messages`, { body: `{"model":]${'x'.repeat(1.5 * MB)}` })
  expect(received.status).toBe(400)
  expect(messageOf(received)).toContain('unexpected byte at position 9')
})
