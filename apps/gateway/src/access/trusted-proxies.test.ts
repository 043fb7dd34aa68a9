import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readNetwork, TrustedProxies } from './trusted-proxies.ts'

const proxies = new TrustedProxies(['10.0.0.0/8', '192.168.1.7', '2001:db8::/32', '::1'])

const from = (remoteAddress: string, headers: Record<string, string> = {}, encrypted = false) => ({
  headers,
  socket: { remoteAddress, encrypted },
})

const list = (value: string, proto?: string) => ({
  'x-forwarded-for': value,
  ...(proto !== undefined && { 'x-forwarded-proto': proto }),
})

it.each([
  ['203.0.113.9', { 'x-forwarded-for': '198.51.100.1' }, '203.0.113.9'],
  ['10.1.2.3', {}, '10.1.2.3'],
  ['10.1.2.3', list('198.51.100.1'), '198.51.100.1'],
  ['::ffff:10.1.2.3', list('198.51.100.1'), '198.51.100.1'],
  ['10.1.2.3', list('1.1.1.1, 198.51.100.1'), '198.51.100.1'],
  ['10.1.2.3', list('198.51.100.1, 10.9.9.9,192.168.1.7'), '198.51.100.1'],
  ['10.1.2.3', list('198.51.100.1, 192.168.1.8'), '192.168.1.8'],
  ['10.1.2.3', list('10.0.0.1, 10.0.0.2'), '10.0.0.1'],
  ['10.1.2.3', list('198.51.100.1:4711'), '198.51.100.1'],
  ['2001:db8::5', list('[2001:0DB8:1::1]:443, 2001:db8::6'), '2001:db8:1::1'],
  ['10.1.2.3', list('127.0.0.1, unknown'), '10.1.2.3'],
  ['10.1.2.3', list('127.0.0.1, evil.example'), '10.1.2.3'],
  ['10.1.2.3', list(', ,'), '10.1.2.3'],
  ['10.1.2.3', { forwarded: 'for=1.1.1.1, for="198.51.100.1:80";proto=https;by=10.0.0.1' }, '198.51.100.1'],
  ['10.1.2.3', { forwarded: 'For="[2001:db8:cafe::17]:4711"' }, '2001:db8:cafe::17'],
  ['10.1.2.3', { forwarded: 'for=127.0.0.1, for=_hidden' }, '10.1.2.3'],
  ['10.1.2.3', { ...list('198.51.100.1'), forwarded: 'for=198.51.100.1' }, '198.51.100.1'],
  ['10.1.2.3', { ...list('198.51.100.1'), forwarded: 'for=127.0.0.1' }, '10.1.2.3'],
])('a request from %s with %j is of %s', (peer, headers, address) => {
  expect(proxies.originOf(from(peer, headers)).address).toBe(address)
})

it.each<[string, Record<string, string>, boolean, boolean]>([
  ['203.0.113.9', { 'x-forwarded-proto': 'https' }, false, false],
  ['203.0.113.9', { 'x-forwarded-proto': 'http' }, true, true],
  ['10.1.2.3', { 'x-forwarded-proto': 'https' }, false, true],
  ['10.1.2.3', { 'x-forwarded-proto': 'http' }, true, false],
  ['10.1.2.3', {}, true, true],
  ['10.1.2.3', list('198.51.100.1', 'HTTPS'), false, true],
  ['10.1.2.3', list('198.51.100.1, 10.0.0.4', 'https, http'), false, true],
  ['10.1.2.3', list('198.51.100.1, 203.0.113.4', 'https, http'), false, false],
  ['10.1.2.3', list('198.51.100.1, 10.0.0.4', 'http, http, https'), false, true],
  ['10.1.2.3', { forwarded: 'for=198.51.100.1;proto=https' }, false, true],
  ['10.1.2.3', { ...list('198.51.100.1', 'http'), forwarded: 'for=198.51.100.1;proto=https' }, false, false],
])(
  'a request from %s with %j, encrypted here: %s, came by https: %s',
  (peer, headers, encrypted, isHttps) => {
    expect(proxies.originOf(from(peer, headers, encrypted)).isHttps).toBe(isHttps)
  },
)

it('whatever a client writes, behind a proxy that adds its address it is never another one', () => {
  const written = fc.array(
    fc.oneof(fc.ipV4(), fc.constantFrom('10.0.0.1', '127.0.0.1', 'unknown', '::1', '')),
  )
  fc.assert(
    fc.property(written, (addresses) => {
      const headers = list([...addresses, '198.51.100.1'].join(', '))
      expect(proxies.originOf(from('10.1.2.3', headers)).address).toBe('198.51.100.1')
      expect(new TrustedProxies().originOf(from('10.1.2.3', headers)).address).toBe('10.1.2.3')
    }),
  )
})

describe('a network', () => {
  it.each(['10.0.0.0/8', '10.0.0.1', '::1', '2001:db8::/32', '127.0.0.1/32'])('is %s', (text) => {
    expect(readNetwork(text)).toBeDefined()
  })
  it.each([
    '',
    '10.0.0.0/33',
    '10.0.0/8',
    'proxy.example',
    '::1/129',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '010.0.0.1',
  ])('is not %j', (text) => {
    expect(readNetwork(text)).toBeUndefined()
  })
})
