import { defaultTimeouts } from '@spillway/middleware'
import { expect, onTestFinished, test, vi } from 'vitest'
import { listenGateway } from './gateway-server.ts'

test('a defect of the gateway’s own is an error in the caller’s protocol, and stands in the log', async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => {})
  onTestFinished(() => log.mockRestore())
  const defect = new TypeError('a defect')
  const router = () => () => Promise.reject(defect)
  const server = await listenGateway({
    host: '127.0.0.1',
    port: 0,
    router,
    timeouts: defaultTimeouts,
    fingerprint: () => '',
    state: () => ({}),
    keepAliveAfter: 15_000,
  })
  onTestFinished(() => server.drain(0))
  const response = await fetch(`${server.url}/v1/messages`, { method: 'POST', body: '{"model":"m"}' })
  expect(response.status).toBe(500)
  expect(await response.json()).toMatchObject({ type: 'error', error: { message: 'the gateway failed' } })
  expect(log).toHaveBeenCalledWith('the gateway failed:', defect)
})

test('an IPv6 address stands in brackets in the URL', async () => {
  const router = () => () => Promise.reject(new Error('not called'))
  const options = {
    host: '::1',
    port: 0,
    router,
    timeouts: defaultTimeouts,
    fingerprint: () => '',
    state: () => ({}),
    keepAliveAfter: 15_000,
  }
  const server = await listenGateway(options).catch(() => undefined)
  // Some machines have no IPv6.
  if (server === undefined) return
  onTestFinished(() => server.drain(0))
  expect(server.url).toMatch(/^http:\/\/\[::1\]:\d+$/)
})
