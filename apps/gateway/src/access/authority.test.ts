import { describe, expect, it } from 'vitest'
import { canonicalAddress, isLoopback, parseAuthority } from './authority.ts'

describe('a host with or without a port', () => {
  it.each([
    ['localhost', 'localhost', undefined],
    ['LocalHost:8787', 'localhost', 8787],
    ['localhost.:80', 'localhost', 80],
    ['localhost:', 'localhost', undefined],
    ['my_service-1.internal:65535', 'my_service-1.internal', 65535],
    ['127.0.0.1:0', '127.0.0.1', 0],
    ['[::1]:8787', '::1', 8787],
    ['[0:0:0:0:0:0:0:1]', '::1', undefined],
    ['[2001:DB8::5]', '2001:db8::5', undefined],
    ['[::ffff:127.0.0.1]:1', '127.0.0.1', 1],
    ['[::FFFF:7f00:1]', '127.0.0.1', undefined],
    ['xn--mnchen-3ya.example', 'xn--mnchen-3ya.example', undefined],
  ])('is read: %s', (text, host, port) => {
    expect(parseAuthority(text)).toEqual({ host, port })
  })

  it.each([
    '',
    ':8787',
    '.',
    'localhost..',
    '.localhost',
    'a..b',
    'user@localhost',
    'localhost@evil.example',
    'localhost:80:80',
    'localhost:+80',
    'localhost:65536',
    'localhost:999999',
    'localhost:8o',
    'localhost/path',
    'localhost#',
    'localhost?',
    'local host',
    ' localhost',
    'localhost\t',
    'localhost,evil.example',
    'local%68ost',
    'münchen.example',
    'local\u0000host',
    '*.example.com',
    '::1',
    '[::1',
    '[::1]x',
    '[1.2.3.4]',
    '[::1%25eth0]',
    '127.1',
    '127.0.0.01',
    '127.0.0.256',
    '127.0.0.1.1',
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    'a.0x1',
    `${'a'.repeat(300)}.example`,
  ])('is not read from %j', (text) => {
    expect(parseAuthority(text)).toBeUndefined()
  })

  it('is read in linear time', { retry: 2 }, () => {
    for (const text of ['a.'.repeat(50_000), '-'.repeat(100_000), `[${':'.repeat(100_000)}]`]) {
      const begun = performance.now()
      expect(parseAuthority(text)).toBeUndefined()
      expect(performance.now() - begun).toBeLessThan(20)
    }
  })
})

it.each([
  ['127.0.0.1', '127.0.0.1'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['::1', '::1'],
  ['2001:db8:0:0:0:0:0:5', '2001:db8::5'],
  ['fe80::1%eth0', 'fe80::1'],
])('the address of a socket, %s, has one spelling', (address, expected) => {
  expect(canonicalAddress(address)).toBe(expected)
})

it.each([
  ['localhost', true],
  ['app.localhost', true],
  ['127.0.0.1', true],
  ['127.255.255.254', true],
  ['::1', true],
  ['notlocalhost', false],
  ['localhost.evil.example', false],
  ['127.0.0.1.evil.example', false],
  ['127.evil.example', false],
  ['128.0.0.1', false],
  ['0.0.0.0', false],
  ['::', false],
  ['10.0.0.1', false],
])('%s is this machine for every resolver: %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected)
})
