import { expect, it } from 'vitest'
import { readTarget } from './request-target.ts'

it.each([
  ['/v1/messages?a=b', '/v1/messages?a=b', undefined],
  ['//evil.example/v1', '//evil.example/v1', undefined],
  ['*', '*', undefined],
  ['/', '/', undefined],
  ['/?a=/', '/?a=/', undefined],
  ['//', '//', undefined],
  ['/v1/messages/', '/v1/messages', undefined],
  ['/v1/messages/?a=/b/', '/v1/messages?a=/b/', undefined],
  ['/v1/messages//', '/v1/messages//', undefined],
  ['http://127.0.0.1:8787/v1/messages/', '/v1/messages', '127.0.0.1:8787'],
  ['http://127.0.0.1:8787/v1/messages', '/v1/messages', '127.0.0.1:8787'],
  ['HTTPS://Gateway.Internal/x?y=http://z/', '/x?y=http://z/', 'Gateway.Internal'],
  ['http://localhost', '/', 'localhost'],
  ['http://localhost?beta=true', '/?beta=true', 'localhost'],
  ['http://user@localhost/x', '/x', 'user@localhost'],
  ['http://localhost\\@evil.example/x', '/x', 'localhost\\@evil.example'],
])('%s is read', (target, url, authority) => {
  expect(readTarget(target)).toEqual({ url, authority })
})

it.each(['', 'v1/messages', 'ftp://localhost/', 'http:///v1/messages', 'http:/localhost/', 'localhost:8787'])(
  '%j is no target',
  (target) => {
    expect(readTarget(target)).toBeUndefined()
  },
)
