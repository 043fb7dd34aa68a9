import { expect, it } from 'vitest'
import { parseAuthority } from './authority.ts'
import { matchesHost, readHostPattern } from './host-patterns.ts'

it.each([
  ['gateway.internal', 'gateway.internal:8787', true],
  ['Gateway.Internal', 'gateway.internal', true],
  ['gateway.internal', 'x.gateway.internal', false],
  ['gateway.internal:80', 'gateway.internal', true],
  ['gateway.internal:8787', 'gateway.internal:8787', true],
  ['gateway.internal:8787', 'gateway.internal:9999', false],
  ['*.example.com', 'a.example.com', true],
  ['*.example.com', 'a.b.example.com:1', true],
  ['*.example.com', 'example.com', false],
  ['*.example.com', 'badexample.com', false],
  ['*.example.com', 'example.com.evil.example', false],
  ['*.example.com:8787', 'a.example.com:1', false],
  ['10.0.0.5', '10.0.0.5:8787', true],
  ['fd00::5', '[fd00:0::5]:8787', true],
  ['[fd00::5]:8787', '[fd00::5]:8787', true],
])('%s means %s: %s', (pattern, host, expected) => {
  expect(matchesHost(readHostPattern(pattern)!, parseAuthority(host)!)).toBe(expected)
})

it.each(['', '*', '*.', '*.*', 'a.*.b', '*a.example', 'http://a.example', 'a.example/', 'a b', '**.example'])(
  '%j means nothing',
  (pattern) => {
    expect(readHostPattern(pattern)).toBeUndefined()
  },
)
