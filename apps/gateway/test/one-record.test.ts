import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import type { CallRow, Calls } from '@spillway/gateway-api'
import { startClaude } from '@spillway/testing'
import { expect, it, onTestFinished, vi } from 'vitest'
import { callLine } from '../src/cli/call-line.ts'
import type { AnsweredCall } from '../src/index.ts'
import { forThisTest, gatewayOf, ownKey, targetAt, temporaryFolder } from './gateway.ts'
import { eventsOf, messages, openSocket, requestText, type Sending, send } from './raw-client.ts'

interface SpanAttribute {
  readonly key: string
  readonly value: { readonly stringValue?: string; readonly intValue?: number | string }
}

/** A collector of spans; what it has received, as attributes of each span. */
async function startCollector() {
  const spans: Record<string, string | undefined>[] = []
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk as Buffer)
    res.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    if (req.url !== '/v1/traces') return
    const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString()) as {
      resourceSpans: { scopeSpans: { spans: { attributes: SpanAttribute[] }[] }[] }[]
    }
    for (const { attributes } of resourceSpans.flatMap(({ scopeSpans }) =>
      scopeSpans.flatMap((scope) => scope.spans),
    ))
      spans.push(
        Object.fromEntries(
          attributes.map(({ key, value }) => [key, String(value.stringValue ?? value.intValue)]),
        ),
      )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans }
}

/** Events of `/api/live`. */
async function watch(url: string): Promise<() => CallRow[]> {
  const leaving = new AbortController()
  onTestFinished(() => leaving.abort())
  const { body } = await fetch(`${url}/api/live`, { signal: leaving.signal })
  let text = ''
  const read = async (): Promise<void> => {
    for await (const chunk of body as NonNullable<typeof body>) text += new TextDecoder().decode(chunk)
  }
  read().catch(() => {})
  return () =>
    eventsOf(text).flatMap(({ name, data }) => (name === 'call' ? [data as unknown as CallRow] : []))
}

it('headers, log, live view, ledger, audit log, spans and metrics count the same attempts of each call', async () => {
  const claude = forThisTest(await startClaude())
  const local = forThisTest(await startClaude())
  const hedged = [forThisTest(await startClaude()), forThisTest(await startClaude())]
  const candidate = forThisTest(await startClaude())
  hedged[0]?.always({ type: 'slow-headers', ms: Infinity })
  const collector = await startCollector()
  const calls: AnsweredCall[] = []
  const at = ({ url }: { url: string }, more: object = {}): object => ({
    ...{ url, credential: ownKey.reference, ...more },
  })
  const target = (...endpoints: object[]): object => ({ api: 'anthropic', endpoints })
  const gateway = await gatewayOf(
    {
      targets: {
        claude: target(at(claude)),
        local: target(at(local)),
        keyless: target(at(local, { credential: 'env:SPILLWAY_TEST_THAT_IS_NOT_SET' })),
        hedged: {
          ...target(...hedged.map((server, index) => at(server, { weight: index === 0 ? 1_000_000 : 1 }))),
          routing: { hedge: { after: '30ms', maxExtra: 1 } },
        },
        candidate: target(at(candidate)),
      },
      routes: [
        { models: 'claude-hedged', target: 'hedged' },
        { models: 'claude-keyless', target: 'keyless' },
        { models: '*', target: 'claude', fallback: ['local'] },
      ],
      mirror: [{ from: 'claude', to: 'candidate', sample: 1 }],
      retry: { attempts: 3, baseDelay: '1ms' },
      storage: { url: `sqlite:${join(temporaryFolder(), 'books.db')}` },
      telemetry: { otlp: collector.url },
    },
    calls,
  )
  const live = await watch(gateway.url)
  const ask = async (changes: object = {}) => {
    const { headers, status } = await send(`${gateway.url}/v1/messages`, { body: messages(changes) })
    return { status, id: String(headers['x-spillway-call-id']), attempts: headers['x-spillway-attempts'] }
  }
  const overloaded = { type: 'status', status: 529 } as const
  const told = [await ask(), await ask({ stream: true })]
  claude.next(overloaded)
  told.push(await ask())
  claude.next(overloaded, overloaded, overloaded)
  told.push(await ask({ stream: true }))
  claude.next({ type: 'status', status: 400 })
  told.push(await ask())
  claude.next({ type: 'cut', at: 3, how: 'reset' } as never)
  told.push(await ask({ stream: true }))
  told.push(await ask({ model: 'claude-hedged' }), await ask({ model: 'claude-keyless' }))
  expect(told.map(({ attempts }) => attempts)).toEqual(['1', '1', '2', '4', '1', '1', '2', '0'])

  // A caller who leaves hears nothing, and the others tell the same of it.
  claude.next({ type: 'slow-headers', ms: Infinity })
  const before = claude.requests.length
  const { socket } = await openSocket(gateway.url, requestText('/v1/messages', messages()))
  await vi.waitFor(() => expect(claude.requests.length).toBe(before + 1))
  socket.destroy()
  await vi.waitFor(() => expect(live()).toHaveLength(told.length + 1))
  const left = live().at(-1) as CallRow
  expect(left).toMatchObject({ failure: 'cancelled', attempts: 1 })

  const expected = new Map([...told.map(({ id, attempts }) => [id, Number(attempts)] as const), [left.id, 1]])
  expect(expected.size).toBe(told.length + 1)
  const attemptsOf = (rows: readonly { id: string; attempts: number }[]) =>
    new Map(rows.map(({ id, attempts }) => [id, attempts]))
  expect(attemptsOf(live())).toEqual(expected)
  const lines = calls.map((call) => stripVTControlCharacters(callLine(call, new Date())))
  expect(lines.map((line) => Number(/(\d+) attempt/.exec(line)?.[1]))).toEqual(
    told.map(({ attempts }) => Number(attempts)),
  )
  await vi.waitFor(async () => {
    const booked = JSON.parse((await send(`${gateway.url}/api/calls`, { method: 'GET' })).text) as Calls
    expect(attemptsOf(booked.calls)).toEqual(expected)
    // To the same moment, and for the same money.
    expect(booked.calls.toSorted(byId)).toEqual(live().toSorted(byId))
    const audited = JSON.parse(
      (await send(`${gateway.url}/api/audit?limit=100`, { method: 'GET' })).text,
    ) as {
      entries: { action: string; details: { call: string; attempts: number } }[]
    }
    const ofCalls = audited.entries.filter(({ action }) => action === 'call').map(({ details }) => details)
    expect(attemptsOf(ofCalls.map(({ call, attempts }) => ({ id: call, attempts })))).toEqual(expected)
  }, 10_000)
  const { text: metrics } = await send(`${gateway.url}/metrics`, { method: 'GET' })
  const counted = [...metrics.matchAll(/^spillway_attempt_duration_count\{(.*)\} (\d+)$/gm)]
  const own = counted.filter(([, labels]) => !labels?.includes('"candidate"'))
  const sum = (numbers: Iterable<number>): number => [...numbers].reduce((all, number) => all + number, 0)
  expect(sum(own.map(([, , count]) => Number(count)))).toBe(sum(expected.values()))
  await gateway.close(0)
  const ofCalls = collector.spans.filter((span) => span['spillway.call.id'] !== undefined)
  expect(
    attemptsOf(
      ofCalls.map((span) => ({
        id: String(span['spillway.call.id']),
        attempts: Number(span['spillway.attempts']),
      })),
    ),
  ).toEqual(expected)
})

const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1)

it('every answer to a call has the id of a call, those that are refused at the edge too', async () => {
  const claude = forThisTest(await startClaude({ headers: { 'x-spillway-call-id': 'of-another' } }))
  const gateway = await gatewayOf({
    targets: { claude: targetAt(claude, 'anthropic') },
    routes: [{ models: 'claude-*', target: 'claude' }],
  })
  const said: [string, number, string | undefined][] = []
  const ask = async (what: string, path: string, sending: Sending): Promise<void> => {
    const { status, headers } = await send(`${gateway.url}${path}`, sending)
    said.push([what, status, String(headers['x-spillway-call-id'])])
  }
  const path = '/v1/messages'
  await ask('an answer', path, { body: messages() })
  await ask('a stream', path, { body: messages({ stream: true }) })
  claude.next({ type: 'status', status: 400 })
  await ask('an error of the upstream', path, { body: messages() })
  await ask('a body that is no JSON', path, { body: '{' })
  await ask('a model without a route', '/v1/chat/completions', { body: { model: 'none', messages: [] } })
  await ask('another method', path, { method: 'PUT' })
  await ask('a path that is none', '/v1/mesages', { body: messages() })
  await ask('a page of another site', path, { body: messages(), headers: { origin: 'https://evil.example' } })
  await ask('another host', path, { body: messages(), headers: { host: 'evil.example' } })
  await ask('an encoding that is none', path, { body: '{}', headers: { 'content-encoding': 'x' } })
  for (const [what, text] of [
    ['a large body', `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 40000000\r\n\r\n`],
    ['what is not HTTP', `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nx y: 1\r\n\r\n`],
    ['headers that are too large', `POST ${path} HTTP/1.1\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`],
  ] as const) {
    const { received, socket } = await openSocket(gateway.url, text)
    await expect.poll(received, { interval: 5 }).toContain('\r\n\r\n')
    socket.destroy()
    const id = /^x-spillway-call-id: (.*)$/im.exec(received())?.[1]
    said.push([what, Number(received().split(' ')[1]), id])
  }
  expect(said.map(([what, status]) => [what, status])).toEqual([
    ['an answer', 200],
    ['a stream', 200],
    ['an error of the upstream', 400],
    ['a body that is no JSON', 400],
    ['a model without a route', 404],
    ['another method', 405],
    ['a path that is none', 404],
    ['a page of another site', 403],
    ['another host', 403],
    ['an encoding that is none', 415],
    ['a large body', 413],
    ['what is not HTTP', 400],
    ['headers that are too large', 431],
  ])
  const ids = said.map(([, , id]) => id)
  for (const [index, id] of ids.entries()) expect(id, said[index]?.[0]).toMatch(/^[\da-f-]{36}$/)
  expect(new Set(ids).size).toBe(ids.length)
})
