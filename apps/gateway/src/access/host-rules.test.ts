import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import type { Authority } from './authority.ts'
import { HostRules, hostOf } from './host-rules.ts'

function requestOf(
  rawHeaders: readonly string[],
  localAddress?: string,
  httpVersion = '1.1',
): IncomingMessage {
  return { rawHeaders, httpVersion, socket: { localAddress } } as unknown as IncomingMessage
}

describe('a gateway that listens on all addresses', () => {
  const rules = new HostRules('', [])

  it.each([
    ['10.0.0.7:8787', '10.0.0.7'],
    ['10.0.0.7', '::ffff:10.0.0.7'],
    ['[fd00::7]:8787', 'fd00:0:0:0:0:0:0:7'],
    ['0.0.0.0:8787', '127.0.0.1'],
    ['[::]:8787', '::1'],
    ['localhost', '10.0.0.7'],
  ])('is %s for clients that have connected to %s', (host, address) => {
    const req = requestOf(['Host', host], address)
    expect(rules.isOwn(hostOf(req, undefined) as Authority, req)).toBe(true)
  })

  it.each([
    ['10.0.0.8', '10.0.0.7'],
    ['gateway.internal', '10.0.0.7'],
    ['10.0.0.7.evil.example', '10.0.0.7'],
    ['10.0.0.7', undefined],
  ])('is not %s for clients that have connected to %s', (host, address) => {
    const req = requestOf(['Host', host], address)
    expect(rules.isOwn(hostOf(req, undefined) as Authority, req)).toBe(false)
  })
})

it('the name that the gateway listens on is its own, on any port', () => {
  const req = requestOf(['host', 'gateway.internal:9999'], '10.0.0.7')
  expect(new HostRules('Gateway.Internal', []).isOwn(hostOf(req, undefined) as Authority, req)).toBe(true)
  expect(new HostRules('127.0.0.1', []).isOwn(hostOf(req, undefined) as Authority, req)).toBe(false)
})

it('the host in the target counts, and the header has to be valid all the same', () => {
  expect(hostOf(requestOf(['host', 'evil.example']), 'localhost:1')).toEqual({ host: 'localhost', port: 1 })
  expect(hostOf(requestOf(['host', 'a b']), 'localhost:1')).toMatch(/Host header "a b"/)
  expect(hostOf(requestOf(['accept', '*/*']), 'localhost:1')).toMatch(/no Host header/)
  expect(hostOf(requestOf([], undefined, '1.0'), undefined)).toBeUndefined()
})
