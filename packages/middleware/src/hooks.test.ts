import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Clock, systemClock } from './clock.ts'
import { emit, listen } from './events.ts'
import { guardAsyncHook, guardHook, guardListener } from './hooks.ts'
import { jsonBodyFromObject } from './json-body.ts'
import { createRequest, type ModelRequest } from './request.ts'

const warn = vi.spyOn(process, 'emitWarning')
const unhandled = vi.fn()

beforeEach(() => {
  warn.mockReset().mockImplementation(() => {})
  process.on('unhandledRejection', unhandled)
})

afterEach(async () => {
  await new Promise((resolve) => setImmediate(resolve))
  process.off('unhandledRejection', unhandled)
  expect(unhandled).not.toHaveBeenCalled()
})

const warnings = (): unknown[] => warn.mock.calls.map(([text]) => text)

const request: ModelRequest = createRequest({
  api: 'anthropic',
  model: 'm',
  stream: false,
  url: '/v1/messages',
  body: jsonBodyFromObject({}),
  clock: systemClock,
})

const fail = (): never => {
  throw new TypeError('sk-secret')
}

describe('a listener of events', () => {
  it('that throws harms neither the call nor the other listeners, and is told of once', () => {
    const heard: string[] = []
    const heardBy = listen(
      listen(listen(request, fail), (event) => heard.push(event.type)),
      fail,
    )
    for (let times = 0; times < 3; times++) emit(heardBy, 'attempt.started', { model: 'm' })
    expect(heard).toEqual(['attempt.started', 'attempt.started', 'attempt.started'])
    expect(warn).toHaveBeenCalledTimes(1)
    expect(warn).toHaveBeenCalledWith(
      expect.stringMatching(/^a listener of the event attempt\.started threw TypeError at .*hooks\.test\.ts/),
      { code: 'SPILLWAY_HOOK' },
    )
    expect(warnings().join()).not.toContain('sk-secret')
  })

  it('that rejects later harms nobody either', async () => {
    emit(listen(request, (async () => fail()) as () => void), 'attempt.committed', { status: 200 })
    await new Promise((resolve) => setImmediate(resolve))
    expect(warn).toHaveBeenCalledTimes(1)
  })

  it('may throw anything, and the warning itself may fail', () => {
    warn.mockImplementation(fail)
    for (const thrown of [undefined, null, 'text', Object.create(null)]) {
      const broken = guardListener('x', () => {
        throw thrown
      })
      expect(() => broken()).not.toThrow()
    }
  })
})

describe('a hook that decides', () => {
  const isBoolean = (answer: unknown): boolean => typeof answer === 'boolean'
  const guarded = (hook: () => unknown): (() => boolean) =>
    guardHook('retry.when', hook as () => boolean, () => true, isBoolean)

  it('is heard, and leaves to the default what it does not know', () => {
    expect(guarded(() => false)()).toBe(false)
    expect(guarded(() => undefined)()).toBe(true)
    expect(guardHook<[], boolean>('x', undefined, () => true, isBoolean)()).toBe(true)
    expect(warn).not.toHaveBeenCalled()
  })

  it.each<[string, () => unknown, RegExp]>([
    ['throws', fail, /^retry\.when threw TypeError at /],
    ['answers later', async () => false, /a promise, which is not waited for/],
    ['rejects later', async () => fail(), /a promise, which is not waited for/],
    ['answers with NaN', () => Number.NaN, /answered with NaN/],
    ['answers with null', () => null, /answered with null/],
    ['answers with text', () => 'no', /answered with a string/],
  ])('that %s is replaced by the default, and told of once', (_, hook, words) => {
    const decide = guarded(hook)
    expect([decide(), decide(), decide()]).toEqual([true, true, true])
    expect(warnings()).toEqual([expect.stringMatching(words)])
    expect(warnings().join()).not.toContain('sk-secret')
  })
})

describe('a hook that decides and may take time', () => {
  let pending = 0
  const clock: Clock = {
    ...systemClock,
    setTimer(ms, callback) {
      pending++
      const cancel = systemClock.setTimer(ms, callback)
      return () => {
        pending--
        cancel()
      }
    },
  }
  const isText = (answer: unknown): boolean => typeof answer === 'string'
  const asked = (hook: () => unknown, left = Infinity, signal?: AbortSignal): Promise<string | undefined> =>
    guardAsyncHook('x.lookUp', hook as () => Promise<string>, isText, 20)({ clock, left, signal })

  it('is waited for', async () => {
    expect(await asked(async () => 'found')).toBe('found')
    expect(await asked(() => 'at once')).toBe('at once')
    expect(await asked(async () => undefined)).toBeUndefined()
    expect(warn).not.toHaveBeenCalled()
    expect(pending).toBe(0)
  })

  it.each<[string, () => unknown, RegExp]>([
    ['throws', fail, /^x\.lookUp threw TypeError at /],
    ['rejects', async () => fail(), /^x\.lookUp threw TypeError at /],
    ['answers with a number', async () => 7, /^x\.lookUp answered with 7/],
    ['never answers', () => new Promise(() => {}), /^x\.lookUp did not answer within 20 ms/],
  ])('that %s has said nothing, and is told of', async (_, hook, words) => {
    expect(await asked(hook)).toBeUndefined()
    expect(warnings()).toEqual([expect.stringMatching(words)])
    expect(warnings().join()).not.toContain('sk-secret')
  })

  it('is left when the call has no more time, or its caller leaves, and is not to blame', async () => {
    const never = (): Promise<string> => new Promise(() => {})
    expect(await asked(never, 1)).toBeUndefined()
    const leaving = new AbortController()
    const left = asked(never, Infinity, leaving.signal)
    leaving.abort()
    expect(await left).toBeUndefined()
    expect(await asked(never, Infinity, leaving.signal)).toBeUndefined()
    expect(warn).not.toHaveBeenCalled()
  })
})
