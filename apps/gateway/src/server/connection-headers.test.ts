import { expect, test } from 'vitest'
import { isConnectionHeader } from './connection-headers.ts'

test.each([
  ['transfer-encoding', undefined, true],
  ['keep-alive', 'keep-alive', true],
  ['x-hop', 'close, X-Hop', true],
  ['x-hop', ['close', 'x-hop'], true],
  ['x-hop', 'close', false],
  ['request-id', undefined, false],
])('%s, with connection: %s, belongs to the connection: %s', (name, connection, expected) => {
  expect(isConnectionHeader(name, connection)).toBe(expected)
})
