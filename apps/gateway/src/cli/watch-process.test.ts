import { EventEmitter } from 'node:events'
import { virtualClock } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { watchProcess } from './watch-process.ts'

function watched() {
  const events = new EventEmitter()
  const clock = virtualClock()
  const lines: string[] = []
  const watch = watchProcess((line) => lines.push(line), events, clock)
  let isNow = false
  watch.now.then(() => {
    isNow = true
  })
  /** Emits after so many milliseconds, and tells whether the process is to end at once. */
  const after = async (ms: number, event: string, ...values: unknown[]): Promise<boolean> => {
    await clock.advance(ms)
    events.emit(event, ...values)
    await clock.advance(0)
    return isNow
  }
  return { ...watch, after, lines, events }
}

describe('watchProcess', () => {
  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'])('ends after a drain on %s', async (signal) => {
    const { after, ending } = watched()
    expect(await after(0, signal)).toBe(false)
    expect(await ending).toEqual({ why: signal, code: 0 })
  })

  it.each([
    ['SIGTERM', 200, 'SIGTERM', true],
    ['SIGINT', 200, 'SIGTERM', true],
    ['SIGHUP', 200, 'SIGINT', true],
    // The same key press, passed on.
    ['SIGINT', 50, 'SIGINT', false],
    ['SIGINT', 50, 'SIGTERM', false],
    // A terminal that closes.
    ['SIGHUP', 200, 'SIGHUP', false],
    ['SIGTERM', 200, 'SIGHUP', false],
  ])('%s and %i ms later %s: at once: %s', async (first, ms, second, atOnce) => {
    const { after } = watched()
    await after(0, first)
    expect(await after(ms, second)).toBe(atOnce)
  })

  it('a signal after an uncaught error ends at once, and the code stays that of the error', async () => {
    const { after, ending, lines } = watched()
    await after(0, 'uncaughtException', new Error('stray'))
    await after(0, 'uncaughtException', 'another')
    expect(await after(200, 'SIGTERM')).toBe(true)
    expect(await ending).toEqual({ why: 'internal error', code: 70 })
    expect(lines[0]).toMatch(/^an error that nothing has caught: Error: stray\n/)
    expect(lines[1]).toBe('an error that nothing has caught: another')
  })

  it('a rejection and a warning are lines, no more', async () => {
    const { after, lines } = watched()
    await after(0, 'unhandledRejection', undefined)
    await after(0, 'warning', Object.assign(new Error('too many listeners'), { name: 'MaxListeners' }))
    expect(lines).toEqual([
      'unhandled rejection, calls continue: undefined',
      'MaxListeners: too many listeners',
    ])
  })
})
