import { expect, it } from 'vitest'
import type { Failure } from './failure.ts'
import { isStreamFailure, StreamFailure } from './stream-failure.ts'

const failure: Failure = {
  kind: 'truncated',
  message: 'the stream ended before it was complete',
  retryable: true,
  scope: 'endpoint',
  origin: 'upstream',
}

it('carries the failure and the error event as it was sent', () => {
  const eventBytes = Uint8Array.of(1)
  expect(new StreamFailure(failure, eventBytes)).toMatchObject({
    name: 'StreamFailure',
    message: failure.message,
    failure,
    eventBytes,
  })
  expect(new StreamFailure(failure).eventBytes).toBeUndefined()
})

it('is recognised, also one of another copy of this package', () => {
  expect(isStreamFailure(new StreamFailure(failure))).toBe(true)
  expect(isStreamFailure({ [Symbol.for('spillway.stream-failure')]: true, failure })).toBe(true)
})

it.each([undefined, null, 'x', new Error('x'), { failure }])('is not taken for %s', (value) => {
  expect(isStreamFailure(value)).toBe(false)
})
