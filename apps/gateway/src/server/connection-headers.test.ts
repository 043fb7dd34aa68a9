import { expect, it } from 'vitest'
import { connectionHeaderTest } from './connection-headers.ts'

it.each([
  ['transfer-encoding', undefined, true],
  ['keep-alive', 'keep-alive', true],
  ['x-hop', 'close, X-Hop', true],
  ['x-hop', ['close', 'x-hop'], true],
  ['x-hop', 'close', false],
  ['request-id', undefined, false],
])('%s, with connection: %s, belongs to the connection: %s', (name, connection, expected) => {
  expect(connectionHeaderTest(connection)(name)).toBe(expected)
})

it('a long list is read once, not once for each header', () => {
  const started = performance.now()
  const isOfConnection = connectionHeaderTest('a,'.repeat(1_000_000))
  for (let index = 0; index < 1_000; index++) expect(isOfConnection(`x-${index}`)).toBe(false)
  expect(isOfConnection('a')).toBe(true)
  expect(performance.now() - started).toBeLessThan(5_000)
})
