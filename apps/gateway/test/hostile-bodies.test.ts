import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { ownKey } from './gateway.ts'

const MB = 1_000_000

/** The longest that the event loop may stand for one request, in milliseconds of CPU on an idle machine. */
const longestBlock = 100

/** What a gateway holds that is no request's, more or less, in bytes: compiled code, hidden classes. */
const slack = 12 * MB

/** What a body may take, its own bytes and all that is made of them, as a multiple of its size. */
const mostHeld = 4

// The upstream: takes any body, and answers when it may.

let mayAnswer = Promise.resolve()
let reached = 0
const message = JSON.stringify({
  id: 'm',
  type: 'message',
  role: 'assistant',
  model: 'm',
  content: [],
  usage: {},
})
const completion = JSON.stringify({ id: 'c', choices: [{ message: { content: '' }, finish_reason: 'stop' }] })
const upstream = createServer((req, res) => {
  req.resume()
  req.on('end', async () => {
    reached++
    await mayAnswer
    res.writeHead(200, { 'content-type': 'application/json' })
    res.end(req.url?.includes('/chat/') ? completion : message)
  })
})

interface WatchedGateway {
  readonly url: string
  readonly child: ChildProcess
  /** Since it was last asked: the longest block, in CPU milliseconds as of an idle machine, and the most memory. */
  since(): Promise<{ longestBlock: number; largestRss: number }>
  /** What it holds when its garbage is collected. */
  now(): Promise<{ held: number; rss: number }>
}

async function startWatched(server: object = {}, flags: readonly string[] = []): Promise<WatchedGateway> {
  const { port } = upstream.address() as AddressInfo
  const target = (api: string, more: object = {}) => ({
    api,
    endpoints: [{ url: `http://127.0.0.1:${port}`, credential: ownKey.reference }],
    ...more,
  })
  const config = {
    server,
    targets: {
      plain: target('anthropic'),
      translated: target('openai'),
      mapped: target('ollama', { model: 'llama3.2' }),
    },
    routes: [
      { models: 'translated', target: 'translated' },
      { models: 'mapped', target: 'mapped' },
      { models: '*a*b', target: 'plain' },
      { models: '*', target: 'plain' },
    ],
    retry: { attempts: 1 },
    circuitBreaker: { enabled: false },
  }
  const child = fork(fileURLToPath(new URL('watched-gateway.ts', import.meta.url)), {
    execArgv: ['--conditions=@spillway/source', '--expose-gc', '--no-warnings', ...flags],
    env: { ...process.env, CONFIG: JSON.stringify(config) },
  })
  const gone = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`the gateway is gone: ${code ?? signal}`)
  })
  gone.catch(() => {})
  const answer = async (): Promise<never> => {
    const [said] = await Promise.race([once(child, 'message'), gone])
    return said as never
  }
  const ask = (question: string): Promise<never> => {
    child.send(question)
    return answer()
  }
  return { url: await answer(), child, since: () => ask('since'), now: () => ask('now') }
}

interface Answer {
  readonly status: number
  readonly text: string
}

function post(url: string, body: Buffer, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${url}/v1/messages`, {
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/json', 'content-length': body.length, ...headers },
    })
    outgoing.on('error', reject)
    outgoing.on('response', (response) => {
      let text = ''
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
      response.on('error', reject)
    })
    outgoing.end(body)
  })
}

/** A body of 31 MB: what is repeated in the place of `…`. */
function filled(frame: string, part: string, size = 31 * MB): Buffer {
  const [before = '', after = ''] = frame.split('…')
  const times = Math.floor((size - frame.length) / Buffer.byteLength(part))
  return Buffer.concat([
    Buffer.from(before),
    Buffer.alloc(times * Buffer.byteLength(part), part),
    Buffer.from(after),
  ])
}

const call = (model: string, field: string): string => `{"model":"${model}","max_tokens":1,${field}}`
const prompt = (model: string): string => call(model, '"messages":[{"role":"user","content":"…"}]')
const list = (items: number, item: (index: number) => string): string =>
  Array.from({ length: items }, (_, i) => item(i)).join()
const turns = (model: string, count: number, textOf: (index: number) => string): Buffer =>
  Buffer.from(
    call(
      model,
      `"messages":[${list(count, (i) => `{"role":"${i % 2 ? 'assistant' : 'user'}","content":"${textOf(i)}"}`)}]`,
    ),
  )

/** What hostile clients send, and the statuses that it may have. */
const refused: readonly (readonly [string, () => Buffer])[] = [
  ['deep nesting', () => filled(call('m', '"a":…1'), '[')],
  ['deep objects', () => filled(call('m', '"a":…1'), '{"a":')],
  ['small objects', () => filled(call('m', '"a":[…1]'), '{"a":1},')],
  ['empty lists', () => filled(call('m', '"a":[…1]'), '[],')],
  ['many fields of the same name', () => filled(call('m', '…"b":1'), '"a":1,')],
  ['many fields of the same name, further in', () => filled(call('m', '"a":{…"b":1}'), '"a":1,')],
  ['a giant name', () => filled(call('m', '"…":1'), 'a')],
  ['a name of a model of 30 MB', () => filled(prompt('…').replace('"…"}', '"x"}'), 'a')],
  ['a name of a model of 320 kB', () => filled(prompt('…').replace('"…"}', '"x"}'), 'a', 320_000)],
  ['a stream that is a list', () => filled(call('m', '"stream":[…1]'), '1,', 600_000)],
  ['a text that is cut off', () => filled(prompt('m').slice(0, -5), 'a')],
  ['invalid UTF-8 at the end', () => filled(prompt('m'), 'a').fill(0xff, 30 * MB, 30 * MB + 1)],
  ['more escapes than there are characters', () => filled(prompt('m'), '\\n\\"')],
  ['halves of characters', () => filled(prompt('m'), '\\ud800')],
  ['white space', () => filled('…', ' ')],
  ['an answer in place of a question', () => filled('…', 'data: {"type":"ping"}\n\n')],
]

/** What is a call, however strange, and the routes that it is sent to. */
const taken: readonly (readonly [string, (model: string) => Buffer, models?: readonly string[]])[] = [
  ['a giant text', (model) => filled(prompt(model), 'The quick brown fox jumps over the lazy dog. ')],
  ['a giant text of large characters', (model) => filled(prompt(model), '日本')],
  ['a giant text of escaped characters', (model) => filled(prompt(model), '\\u65e5\\u672c')],
  ['a text of as many escapes as may be', (model) => filled(prompt(model), '\\n\\"', 11.9 * MB)],
  [
    'a tool with a giant name',
    (model) => filled(call(model, '"messages":[{"role":"user","content":"a"}],"tools":[{"name":"…"}]'), 'a'),
    ['m'],
  ],
  [
    'a message with a giant role',
    (model) => filled(call(model, '"messages":[{"role":"…","content":"a"}]'), 'a'),
    ['m'],
  ],
  [
    '60,000 tools',
    (model) =>
      Buffer.from(
        call(
          model,
          `"messages":[{"role":"user","content":"a"}],"tools":[${list(60_000, (i) => `{"name":"${i}","type":"kind_${i}"}`)}]`,
        ),
      ),
    ['m', 'mapped'],
  ],
  ['a giant number', (model) => filled(call(model, '"messages":[],"a":…'), '9'), ['m']],
  ['100,000 messages', (model) => turns(model, 100_000, () => 'x'.repeat(250)), ['m', 'mapped']],
  ['50,000 messages', (model) => turns(model, 50_000, () => 'x'.repeat(550)), ['translated']],
  [
    'short texts',
    (model) => Buffer.from(call(model, `"messages":[],"a":[${list(310_000, (i) => `"${i}"`)}]`)),
    ['m', 'mapped'],
  ],
  [
    'objects of many shapes',
    (model) => Buffer.from(call(model, `"messages":[],"a":[${list(30_000, (i) => `{"n${i}":1}`)}]`)),
  ],
]

beforeAll(async () => {
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
})

afterAll(() => {
  upstream.closeAllConnections()
  upstream.close()
})

describe('one request', () => {
  let gateway: WatchedGateway
  /** What the gateway holds without a request. */
  let atRest: number

  beforeAll(async () => {
    gateway = await startWatched()
    // What is compiled once is no request's doing.
    for (const model of ['m', 'translated', 'mapped']) {
      for (let time = 0; time < 20; time++) await post(gateway.url, turns(model, 100, String))
    }
    atRest = (await gateway.now()).held
  })

  afterAll(() => void gateway.child.disconnect())

  interface Handled extends Answer {
    /** What the gateway held in addition while the upstream had the call, in bytes; 0 where it did not come to that. */
    readonly held: number
  }

  /** Sends a body, and looks at the gateway while the upstream has it, or when it has been refused. */
  async function handle(
    body: Buffer,
    headers?: Readonly<Record<string, string>>,
  ): Promise<[Handled, number]> {
    const gate = Promise.withResolvers<void>()
    mayAnswer = gate.promise
    const count = reached
    await gateway.since()
    const answering = post(gateway.url, body, headers)
    let isOver = false
    answering.finally(() => {
      isOver = true
    })
    while (!isOver && reached === count) await new Promise((resolve) => setTimeout(resolve, 2))
    const first = (await gateway.since()).longestBlock
    const held = isOver ? 0 : (await gateway.now()).held - atRest
    gate.resolve()
    const answer = await answering
    return [{ ...answer, held }, Math.max(first, (await gateway.since()).longestBlock)]
  }

  /** Sends the body until others are not blocked for too long, a few times at most, and expects that it comes to that. */
  async function expectNoBlock(body: Buffer, headers?: Readonly<Record<string, string>>): Promise<Handled> {
    const blocks: number[] = []
    let handled: Handled | undefined
    while (blocks.length < 4 && (blocks.at(-1) ?? Infinity) > longestBlock) {
      const [answer, block] = await handle(body, headers)
      handled = answer
      blocks.push(block)
    }
    expect(Math.min(...blocks), `blocked for ${blocks} ms`).toBeLessThan(longestBlock)
    return handled as Handled
  }

  it.each(refused)('is refused without blocking others or being kept: %s', async (_, make) => {
    const { status, text } = await expectNoBlock(make())
    expect(status, text).toBe(400)
    expect((await gateway.now()).held - atRest).toBeLessThan(slack)
  })

  it.each(
    taken.flatMap(([name, make, models = ['m', 'translated']]) =>
      models.map((model) => [name, model, make] as const),
    ),
  )('is served without blocking others or taking four times its size: %s, %s', async (_, model, make) => {
    const body = make(model)
    const { status, text, held } = await expectNoBlock(body)
    expect(status, text).toBe(200)
    if (body.length > 20 * MB) expect(held, 'the body itself').toBeGreaterThan(body.length - slack)
    expect(held).toBeLessThan(mostHeld * body.length + slack)
  })

  it('is served without blocking others: 16 kB of headers that name each other', async () => {
    const names = Array.from({ length: 600 }, (_, index) => `a${index}`)
    const headers = {
      ...Object.fromEntries(names.map((name) => [name, '1'])),
      connection: 'b,'.repeat(3_500),
    }
    const { status } = await expectNoBlock(turns('m', 1, String), headers)
    expect(status).toBe(200)
  })
})

describe('many requests at a time', () => {
  /** Sends the same body so many times at once, and expects that all are answered, and that the gateway lives. */
  async function allAnswered(gateway: WatchedGateway, body: Buffer, count: number): Promise<number[]> {
    onTestFinished(() => void (gateway.child.connected && gateway.child.disconnect()))
    mayAnswer = new Promise((resolve) => setTimeout(resolve, 1_000))
    const answers = await Promise.all(Array.from({ length: count }, () => post(gateway.url, body)))
    for (const { text } of answers) expect(JSON.parse(text)).toBeTypeOf('object')
    const again = await post(gateway.url, turns('m', 1, String))
    expect(again.status, 'the next call works').toBe(200)
    return answers.map(({ status }) => status)
  }

  it('of small objects, 31 MB each, do not exhaust a heap of 1 GB', async () => {
    const gateway = await startWatched({}, ['--max-old-space-size=1024'])
    const body = filled(call('m', '"messages":[…1]'), '{"a":1},')
    expect(await allAnswered(gateway, body, 8)).toEqual(Array(8).fill(400))
  })

  it('of as much as may be in them do not exhaust it either, where they are parsed', {
    timeout: 60_000,
  }, async () => {
    const gateway = await startWatched({}, ['--max-old-space-size=1024'])
    const statuses = await allAnswered(
      gateway,
      turns('translated', 50_000, () => 'x'.repeat(550)),
      8,
    )
    expect(new Set(statuses)).toEqual(new Set([200]))
  })

  it('take no more memory than is allowed, and a little', async () => {
    const gateway = await startWatched({ maxInFlightBytes: '128MB' })
    await post(gateway.url, filled(prompt('m'), 'a'))
    const before = (await gateway.now()).rss
    const statuses = await allAnswered(gateway, filled(prompt('m'), 'a'), 50)
    expect(new Set(statuses)).toEqual(new Set([200, 529]))
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(4)
    const { largestRss } = await gateway.since()
    expect(largestRss - before).toBeLessThan(3 * 128 * MB)
  })
})
