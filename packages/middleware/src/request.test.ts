import { describe, expect, it } from 'vitest'
import { type Clock, systemClock } from './clock.ts'
import { listen } from './events.ts'
import { jsonBodyFromObject } from './json-body.ts'
import { createRequest, deriveRequest, type NewModelRequest } from './request.ts'
import { defaultTimeouts } from './timeouts.ts'

const clock: Clock = { ...systemClock, now: () => 1000 }
const minimal: NewModelRequest = {
  api: 'anthropic',
  model: 'claude-opus-5-5',
  stream: true,
  url: '/v1/messages',
  body: jsonBodyFromObject({ model: 'claude-opus-5-5' }),
}

describe('a new request', () => {
  it('has defaults for all that it does not say', () => {
    expect(createRequest(minimal)).toMatchObject({
      ...minimal,
      operation: 'generate',
      headers: {},
      signal: undefined,
      timeouts: defaultTimeouts,
      clock: systemClock,
      listeners: [],
    })
  })

  it('must have begun within the total time from now', () => {
    expect(createRequest({ ...minimal, clock })).toMatchObject({
      deadline: 601_000,
      hasDefaultDeadline: true,
    })
  })

  it('has no deadline without a total time', () => {
    const timeouts = { ...defaultTimeouts, total: Infinity }
    expect(createRequest({ ...minimal, timeouts })).toMatchObject({
      deadline: Infinity,
      hasDefaultDeadline: true,
    })
  })

  it('keeps a deadline that is chosen', () => {
    expect(createRequest({ ...minimal, clock, deadline: 5000 })).toMatchObject({
      deadline: 5000,
      hasDefaultDeadline: false,
    })
  })

  it('has an id of its own, unless it is given one', () => {
    const { callId } = createRequest(minimal).context
    expect(callId).toMatch(/^[\da-f-]{36}$/)
    expect(createRequest(minimal).context.callId).not.toBe(callId)
    expect(createRequest({ ...minimal, context: { callId: 'mine', tenant: 't' } }).context).toEqual({
      callId: 'mine',
      tenant: 't',
    })
  })
})

describe('a derived request', () => {
  it('changes what it is told to, and leaves the original as it was', () => {
    const request = createRequest(minimal)
    const derived = deriveRequest(request, { model: 'other', headers: { a: '1' } })
    expect(derived).toMatchObject({ model: 'other', headers: { a: '1' }, url: '/v1/messages' })
    expect(request).toMatchObject({ model: 'claude-opus-5-5', headers: {} })
  })

  it('shares body, bytes, context and listeners', () => {
    const request = listen(createRequest(minimal), () => {})
    const derived = deriveRequest(request, { stream: true })
    expect(derived.body.bytes).toBe(request.body.bytes)
    expect(derived.context).toBe(request.context)
    expect(derived.listeners).toBe(request.listeners)
  })

  it('has a chosen deadline once it is given one, and for all derived from it', () => {
    const request = createRequest(minimal)
    expect(deriveRequest(request, { model: 'other' }).hasDefaultDeadline).toBe(true)
    const bounded = deriveRequest(request, { deadline: 5 })
    expect(bounded).toMatchObject({ deadline: 5, hasDefaultDeadline: false })
    expect(deriveRequest(bounded, { model: 'other' })).toMatchObject({
      deadline: 5,
      hasDefaultDeadline: false,
    })
  })
})
