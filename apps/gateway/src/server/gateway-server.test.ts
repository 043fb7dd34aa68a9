import { defaultTimeouts } from '@spillway/middleware/kit'
import { expect, it, onTestFinished } from 'vitest'
import { listenGateway } from './gateway-server.ts'

it('a defect of the gateway’s own is an error in the caller’s protocol, and stands in the log', async () => {
  const lines: string[] = []
  const defect = new TypeError('a defect')
  const router = () => ({ models: '*', handler: () => Promise.reject(defect) })
  const server = await listenGateway({
    host: '127.0.0.1',
    port: 0,
    router,
    timeouts: defaultTimeouts,
    fingerprint: () => '',
    state: () => ({}),
    keepAliveAfter: 15_000,
    log: (line) => lines.push(line),
  })
  onTestFinished(() => server.drain(0))
  const response = await fetch(`${server.url}/v1/messages`, { method: 'POST', body: '{"model":"m"}' })
  expect(response.status).toBe(500)
  expect(await response.json()).toMatchObject({ type: 'error', error: { message: 'the gateway failed' } })
  const id = response.headers.get('x-spillway-call-id')
  expect(lines).toEqual([`the gateway failed at the call ${id}: ${defect.stack}`])
})

it('metrics that cannot be collected are an error of /metrics alone', async () => {
  const lines: string[] = []
  const server = await listenGateway({
    host: '127.0.0.1',
    port: 0,
    router: () => ({
      kind: 'not_found',
      message: 'no',
      retryable: false,
      scope: 'request',
      origin: 'spillway',
    }),
    timeouts: defaultTimeouts,
    state: () => ({}),
    keepAliveAfter: 15_000,
    fingerprint: () => '',
    log: (line) => lines.push(line),
    metrics: () => Promise.reject(new Error('a reader fails')),
  })
  onTestFinished(() => server.drain(0))
  expect((await fetch(`${server.url}/metrics`)).status).toBe(500)
  expect(lines).toEqual([expect.stringContaining('a reader fails')])
  const answer = await fetch(`${server.url}/v1/messages`, { method: 'POST', body: '{"model":"m"}' })
  expect(answer.status).toBe(404)
})

it('an IPv6 address stands in brackets in the URL', async () => {
  const router = () => ({ models: '*', handler: () => Promise.reject(new Error('not called')) })
  const options = {
    host: '::1',
    port: 0,
    router,
    timeouts: defaultTimeouts,
    fingerprint: () => '',
    state: () => ({}),
    keepAliveAfter: 15_000,
    log: () => {},
  }
  const server = await listenGateway(options).catch(() => undefined)
  // Some machines have no IPv6.
  if (server === undefined) return
  onTestFinished(() => server.drain(0))
  expect(server.url).toMatch(/^http:\/\/\[::1\]:\d+$/)
})
