import { describe, expect, it } from 'vitest'
import { systemClock } from './clock.ts'
import { emit, listen, type SpillwayEvent } from './events.ts'
import { jsonBodyFromObject } from './json-body.ts'
import { createRequest, deriveRequest, type ModelRequest } from './request.ts'

const requestAt = (now: () => number): ModelRequest =>
  createRequest({
    api: 'anthropic',
    model: 'm',
    stream: false,
    url: '/v1/messages',
    body: jsonBodyFromObject({}),
    deadline: Infinity,
    clock: { ...systemClock, now },
    context: { callId: 'call', target: 'claude' },
  })

describe('an event', () => {
  it('says what happened, when, and to which call', () => {
    const heard: SpillwayEvent[] = []
    const request = listen(
      requestAt(() => 42),
      (event) => heard.push(event),
    )
    emit(request, 'attempt.started', { model: 'm' })
    expect(heard).toEqual([{ type: 'attempt.started', at: 42, callId: 'call', target: 'claude', model: 'm' }])
  })

  it('is not built when nobody listens', () => {
    const request = requestAt(() => {
      throw new Error('the time was asked for')
    })
    const data = {
      get model(): string {
        throw new Error('the data was read')
      },
    }
    expect(() => emit(request, 'attempt.started', data)).not.toThrow()
  })

  it('is one and the same for all listeners, in the order in which they came', () => {
    const heard: [string, SpillwayEvent][] = []
    let request = requestAt(() => 0)
    request = listen(request, (event) => heard.push(['first', event]))
    request = listen(request, (event) => heard.push(['second', event]))
    emit(request, 'attempt.committed', { status: 200 })
    expect(heard.map(([who]) => who)).toEqual(['first', 'second'])
    expect(heard[0]?.[1]).toBe(heard[1]?.[1])
  })
})

describe('a listener', () => {
  it('hears the events of derived requests, with their target', () => {
    const targets: unknown[] = []
    const request = listen(
      requestAt(() => 0),
      ({ target }) => targets.push(target),
    )
    const derived = deriveRequest(request, { context: { ...request.context, target: 'local' } })
    emit(derived, 'attempt.committed', { status: 200 })
    expect(targets).toEqual(['local'])
  })

  it('does not hear the events of the request that it was not added to', () => {
    const heard: unknown[] = []
    const request = requestAt(() => 0)
    listen(request, (event) => heard.push(event))
    emit(request, 'attempt.committed', { status: 200 })
    expect(heard).toEqual([])
  })
})
