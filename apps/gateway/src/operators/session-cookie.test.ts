import type { IncomingMessage } from 'node:http'
import { expect, it } from 'vitest'
import { presentedIds, setCookie } from './session-cookie.ts'

const asking = (headers: Record<string, string>, isHttps = false): IncomingMessage =>
  ({
    headers: { host: 'gateway.example:8787', ...headers },
    origin: { address: '192.0.2.1', isHttps },
  }) as unknown as IncomingMessage

const plain = 'spillway-session-8787=id; Path=/; HttpOnly; SameSite=Strict'
const secure = '__Host-spillway-session-8787=id; Path=/; HttpOnly; SameSite=Strict; Secure'

it.each([
  [{}, undefined, plain],
  [{}, true, secure],
  [{ origin: 'https://gateway.example' }, undefined, secure],
  [{ 'x-forwarded-proto': 'https' }, undefined, plain],
  // A proxy that says https of everything; the browser knows better, and would refuse the cookie.
  [{ origin: 'http://gateway.example' }, true, plain],
  [{ host: 'gateway.example' }, undefined, plain.replace('-8787', '')],
])('with %j and TLS %s the cookie is %s', (headers, isHttps, cookie) => {
  expect(setCookie(asking(headers, isHttps), 'id')).toBe(cookie)
})

it('is removed as it was set', () => {
  expect(setCookie(asking({ origin: 'https://gateway.example' }), '')).toBe(
    `${secure.replace('=id', '=')}; Max-Age=0`,
  )
})

it.each([
  ['spillway-session-8787=a', ['a']],
  ['x=1; spillway-session-8787=a; y=2', ['a']],
  ['spillway-session-8787=a; spillway-session-8787=b', ['a', 'b']],
  // One that a neighbouring domain can set does not count beside the one that it cannot set.
  ['spillway-session-8787=planted; __Host-spillway-session-8787=own', ['own']],
  ['spillway-session=a; spillway-session-8788=b; xspillway-session-8787=c', []],
  ['SPILLWAY-SESSION-8787=a', []],
  [`${'x'.repeat(20_000)}; spillway-session-8787=a`, []],
  ['', []],
])('of the cookies %j the ids are %j', (cookie, ids) => {
  expect(presentedIds(asking({ cookie }))).toEqual(ids)
})
