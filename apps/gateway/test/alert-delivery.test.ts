import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { freePort, startSlack, virtualClock } from '@spillway/testing'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { stringify } from 'yaml'
import { memoryBoards, sharedBoards } from '../src/alerts/board-store.ts'
import { deliver, deliveryTimeout } from '../src/alerts/deliver.ts'
import type { Incident } from '../src/alerts/incident.ts'
import { openReceiver, type ReceiverOptions } from '../src/alerts/receiver.ts'
import { parseConfig } from '../src/index.ts'
import { alertReceiver, newSecret, variable } from './alert-receiver.ts'
import { forThisTest } from './gateway.ts'

const incident = (subject = 'claude/1', more: Partial<Incident> = {}): Incident => ({
  ...{ kind: 'circuit_open', severity: 'critical', subject, message: 'the circuit is open', since: null },
  ...more,
})

/** A receiver as a gateway opens it, over a clock that is told to move. */
function receiverAt(url: string, more: Partial<ReceiverOptions> = {}) {
  const clock = more.clock ?? virtualClock({ epoch: Date.now() })
  const log: string[] = []
  let ids = 0
  const receiver = openReceiver({
    ...{ name: 'ops', to: 'webhook', kinds: new Set(['circuit_open', 'vault']), after: 0, quietFor: 60_000 },
    ...{ clock, fetch, id: 'a', sender: { gateway: 'gateway-1:8787' }, stores: [memoryBoards(clock)] },
    address: async () => ({ url, secrets: [newSecret()] }),
    newId: () => `id${++ids}`,
    log: (line) => log.push(line),
    ...more,
  })
  const look = async (...seen: Incident[]) => {
    await receiver.look(seen)
    await receiver.idle()
  }
  return { receiver, look, log, clock: clock as ReturnType<typeof virtualClock> }
}

/** A server that answers as it is told. */
async function serverThat(answer: (res: ServerResponse) => void) {
  let asked = 0
  const server = createServer((req, res) => {
    asked++
    req.resume()
    answer(res)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, asked: () => asked }
}

describe('a delivery', () => {
  const clock = virtualClock()
  const posted = (url: string) => deliver({ url, headers: {}, body: '{}', fetch, clock })

  it('follows no redirect', async () => {
    const inside = await serverThat((res) => res.end('metadata'))
    const { url } = await serverThat((res) => res.writeHead(307, { location: inside.url }).end())
    expect(await posted(url)).toEqual({
      is: 'failed',
      problem: 'HTTP 307: redirects are not followed; give the address that it leads to',
    })
    expect(inside.asked()).toBe(0)
  })

  it.each([
    ['nothing', (_: ServerResponse) => {}],
    ['headers alone', (res: ServerResponse) => void res.writeHead(200).flushHeaders()],
  ])('waits a while for a receiver that answers with %s', async (_, answer) => {
    const { url, asked } = await serverThat(answer)
    const delivery = posted(url)
    await vi.waitFor(() => expect(asked()).toBe(1))
    await clock.advance(deliveryTimeout)
    expect(await delivery).toEqual({ is: 'failed', problem: 'no answer within 15 s' })
  })

  it('reads little of an answer that does not end', async () => {
    const { url } = await serverThat((res) => {
      res.writeHead(200)
      const write = (): void => {
        if (!res.destroyed) res.write('x'.repeat(65_536), () => setImmediate(write))
      }
      write()
    })
    expect(await posted(url)).toEqual({ is: 'taken', status: 200 })
  })

  it.each([
    [204, '', { is: 'taken', status: 204 }],
    [400, 'a sentence with a secret', { is: 'refused', problem: 'HTTP 400' }],
    [413, '', { is: 'refused', problem: 'HTTP 413' }],
    [401, '', { is: 'failed', problem: 'HTTP 401' }],
    [500, '<html>secret</html>', { is: 'failed', problem: 'HTTP 500' }],
  ])('tells of HTTP %i with "%s"', async (status, body, expected) => {
    const { url } = await serverThat((res) => res.writeHead(status).end(body))
    expect(await posted(url)).toMatchObject(expected)
  })

  it('heeds how long the receiver asks to wait, within an hour', async () => {
    const asking = (value: string) =>
      serverThat((res) => res.writeHead(429, { 'retry-after': value }).end()).then(({ url }) => posted(url))
    expect(await asking('30')).toMatchObject({ retryAfterMs: 30_000 })
    expect(await asking('999999')).toMatchObject({ retryAfterMs: 3_600_000 })
    expect(await asking('soon')).toMatchObject({ retryAfterMs: undefined })
    const gone = await serverThat((res) => res.writeHead(410).end())
    expect(await posted(gone.url)).toMatchObject({ retryAfterMs: 3_600_000 })
  })

  it('says that nobody listens, without the address', async () => {
    expect(await posted(`http://127.0.0.1:${await freePort()}/secret`)).toEqual({
      is: 'failed',
      problem: 'no connection (ECONNREFUSED)',
    })
  })
})

describe('a receiver', () => {
  it('tries again with the same id and a new signature, in order, when one that was away is back', async () => {
    const receiver = await alertReceiver()
    const { look, log, clock } = receiverAt(receiver.url, {
      address: async () => ({ url: receiver.url, secrets: [receiver.secret] }),
    })
    receiver.answer((res) => res.writeHead(503).end())
    await look(incident())
    await clock.advance(70_000)
    await look()
    await look()
    expect(receiver.ids).toEqual([])
    receiver.answer(undefined)
    await clock.advance(20_000)
    await look()
    expect(receiver.ids).toEqual(['msg_id1_opened', 'msg_id1_resolved'])
    expect(log).toEqual([
      'warning: alerts are not delivered to ops (HTTP 503): they wait, and are tried again',
      'alerts are delivered to ops again',
    ])
  })

  it('takes the old secret and the new one while it is replaced', async () => {
    const bodies: { headers: Record<string, string>; body: string }[] = []
    const server = createServer(async (req, res) => {
      const chunks: Buffer[] = []
      for await (const chunk of req) chunks.push(chunk as Buffer)
      bodies.push({ headers: req.headers as never, body: Buffer.concat(chunks).toString() })
      res.end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const secrets = [newSecret(), newSecret()]
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const { look } = receiverAt(url, { address: async () => ({ url, secrets }) })
    await look(incident())
    const [{ headers, body } = { headers: {}, body: '' }] = bodies
    for (const secret of secrets)
      expect(new Webhook(secret).verify(body, headers)).toMatchObject({ type: 'incident.opened' })
    expect(() => new Webhook(newSecret()).verify(body, headers)).toThrow()
  })

  it('tells of nothing else than it was asked to, and holds back what a message may quote', async () => {
    const receiver = await alertReceiver()
    const { look } = receiverAt(receiver.url, {
      address: async () => ({ url: receiver.url, secrets: [receiver.secret] }),
      kinds: new Set(['vault']),
    })
    const message = `sk-ant-api03-${'x'.repeat(40)} ${'long '.repeat(1_000)}`
    await look(incident(), incident('vault', { kind: 'vault', message }))
    expect(receiver.alerts.map(({ data }) => data.kind)).toEqual(['vault'])
    const said = String(receiver.alerts[0]?.data.message)
    expect(said).toMatch(/^\[redacted\] long/)
    expect(said.length).toBeLessThanOrEqual(500)
  })

  it('goes on where another gateway has died while it delivered', async () => {
    const receiver = await alertReceiver()
    let text: string | undefined
    const clock = virtualClock({ epoch: Date.now() })
    const store = sharedBoards(() => ({
      read: async () => ({ text, now: Math.round(clock.epoch()) }),
      async replace(before, after) {
        if (text !== before) return false
        text = after
        return true
      },
    }))
    const stores = [store, memoryBoards(clock)]
    const address = async () => ({ url: receiver.url, secrets: [receiver.secret] })
    const never = (async () => new Promise<Response>(() => {})) as typeof fetch
    const dying = receiverAt(receiver.url, { clock, stores, address, fetch: never, id: 'dying' })
    await dying.receiver.look([incident()])
    await vi.waitFor(() => expect(text).toContain('"by":"dying"'))
    const other = receiverAt(receiver.url, { clock, stores, address, id: 'other' })
    await other.look(incident())
    expect(receiver.ids).toEqual([])
    await clock.advance(60_000)
    await other.look(incident())
    expect(receiver.ids).toEqual(['msg_id1_opened'])
    // Seen by nobody any more.
    await clock.advance(61_000)
    await other.look()
    expect(receiver.ids).toEqual(['msg_id1_opened', 'msg_id1_resolved'])
    expect(text).toBeUndefined()
  })
})

describe('Slack', () => {
  const slackAt = async () => {
    const slack = forThisTest(await startSlack())
    const address = async () => ({ url: slack.url, secrets: [] })
    return { slack, ...receiverAt(slack.url, { to: 'slack', address }) }
  }

  it('gets one message of what happens at the same time, that people can read', async () => {
    const { slack, look, clock } = await slackAt()
    await look(incident(), incident('vault', { kind: 'vault', message: 'unreadable <!channel> & `so`' }))
    expect(slack.answers).toEqual(['200 ok'])
    expect(slack.messages[0]).toEqual({
      text: 'Spillway: Circuit open claude/1; Vault unreadable vault',
      blocks: [
        section(':red_circle: *Circuit open* `claude/1`\nthe circuit is open'),
        section(':red_circle: *Vault unreadable* `vault`\nunreadable &lt;!channel&gt; &amp; `so`'),
        { type: 'context', elements: [{ type: 'mrkdwn', text: 'Spillway at gateway-1:8787' }] },
      ],
    })
    await clock.advance(5_000)
    await look(incident())
    await clock.advance(60_000)
    await look(incident())
    expect(slack.messages[1]?.blocks[0]).toEqual(
      section(':large_green_circle: *Resolved: Vault unreadable* `vault` after 0 s'),
    )
  })

  it('takes what is as long and as much as it can be', async () => {
    const { slack, look } = await slackAt()
    const many = Array.from({ length: 25 }, (_, at) =>
      incident(`${at}${'<'.repeat(300)}`, { message: '&'.repeat(2_000) }),
    )
    await look(...many)
    expect(slack.answers).toEqual(['200 ok', '200 ok', '200 ok'])
    expect(slack.messages.map(({ blocks }) => blocks.length)).toEqual([11, 11, 6])
  })

  it.each([
    ['no_service', 'HTTP 404 no_service: the webhook was removed or disabled: make another one'],
    [
      'channel_is_archived',
      'HTTP 410 channel_is_archived: its channel is archived: make a webhook for another one',
    ],
    [
      'action_prohibited',
      'HTTP 403 action_prohibited: an administrator of the workspace does not let it post there',
    ],
    ['rate_limited', 'HTTP 429 rate_limited'],
    ['rollup_error', 'HTTP 500 rollup_error'],
  ] as const)('says what is wrong: %s', async (problem, said) => {
    const { slack, look, receiver, clock } = await slackAt()
    slack.fail(problem)
    await look(incident())
    expect(receiver.problem).toBe(said)
    slack.fail(undefined)
    await clock.advance(3_600_000 * 1.01)
    await look(incident())
    expect([receiver.problem, slack.messages.length]).toEqual([undefined, 1])
  })

  const section = (text: string) => ({ type: 'section', text: { type: 'mrkdwn', text } })
})

describe('a configuration of receivers', () => {
  const problemsOf = (alerts: object[]): string => {
    const target = { api: 'ollama', endpoints: [{ url: 'http://127.0.0.1:1' }] }
    const text = stringify({ targets: { t: target }, routes: [{ models: '*', target: 't' }], alerts })
    try {
      return parseConfig(text, 'f.yaml')
        .warnings.map(({ key, message }) => `${key}: ${message}`)
        .join('\n')
    } catch (error) {
      return (error as Error).message
    }
  }
  it.each([
    [{ to: 'webhook', url: 'https://example.com' }, /alerts\[0\]\.url: expected env:NAME .* or vault:NAME/],
    [
      { to: 'webhook', url: 'env:NOT_SET' },
      /alerts\[0\]\.to: a webhook is signed: add secret: env:NAME or vault:NAME/,
    ],
    [
      { to: 'slack', url: 'env:NOT_SET', secret: 'env:NOT_SET' },
      /alerts\[0\]\.secret: Slack checks no signature/,
    ],
    [{ to: 'slack', url: 'vault:NAME' }, /alerts\[0\]\.url: vault:NAME needs to know the vault/],
    [{ to: 'slack', url: 'env:NOT_SET' }, /alerts\[0\]\.url: no alerts are sent: .* NOT_SET is not set/],
    [
      { to: 'slack', url: 'env:NOT_SET', on: ['nothing'] },
      /alerts\[0\]\.on\[0\]: expected one of circuit_open, /,
    ],
    [{ to: 'pager', url: 'env:NOT_SET' }, /alerts\[0\]\.to: expected webhook or slack/],
  ])('says what is wrong with %j', (alert, message) => {
    expect(problemsOf([alert])).toMatch(message)
  })

  it('says what is wrong with variables, and does not repeat them', () => {
    const [url, secret] = [variable('file:///etc/CANARY'), variable('whsec_CANARY')]
    const said = problemsOf([{ to: 'webhook', url, secret }])
    expect(said).toContain(`${url} is no URL that begins with https:// or http://`)
    expect(said).toContain(`${secret} has 4 bytes; 24 to 64 are expected; make one with: echo "whsec_`)
    expect(said).not.toContain('CANARY')
  })
})
