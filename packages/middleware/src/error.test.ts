import { describe, expect, it } from 'vitest'
import { isSpillwayError, SpillwayError } from './error.ts'
import type { Failure } from './failure.ts'

const failure: Failure = {
  kind: 'rate_limited',
  message: 'too many requests',
  retryable: true,
  scope: 'key',
  origin: 'upstream',
  requestId: 'req_1',
}

describe('an error', () => {
  it('has a stable code, the message of its failure, the ids and the attempts', () => {
    const attempts = [{ target: 'claude', failure, durationMs: 12 }]
    const error = new SpillwayError(failure, { callId: 'call', attempts })
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({
      name: 'SpillwayError',
      code: 'SPILLWAY_RATE_LIMITED',
      message: 'too many requests',
      failure,
      callId: 'call',
      requestId: 'req_1',
      attempts,
    })
  })

  it('may know of no attempts and no request id', () => {
    const error = new SpillwayError({ ...failure, requestId: undefined }, { callId: 'call' })
    expect(error).toMatchObject({ attempts: [], requestId: undefined })
  })

  it('does not show its marker to those who print or list it', () => {
    expect(Object.getOwnPropertySymbols({ ...new SpillwayError(failure, { callId: 'call' }) })).toEqual([])
  })
})

describe('recognition', () => {
  it('knows errors of this copy, and those of another one by their marker', () => {
    expect(isSpillwayError(new SpillwayError(failure, { callId: 'call' }))).toBe(true)
    const ofAnotherCopy = Object.assign(new Error('x'), { [Symbol.for('spillway.error')]: true })
    expect(isSpillwayError(ofAnotherCopy)).toBe(true)
  })

  it.each([
    undefined,
    null,
    'SpillwayError',
    7,
    {},
    new Error('x'),
    { name: 'SpillwayError', code: 'SPILLWAY_TIMEOUT' },
  ])('knows that %s is none', (value) => {
    expect(isSpillwayError(value)).toBe(false)
  })
})
