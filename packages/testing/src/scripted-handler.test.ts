import { readBody } from '@spillway/middleware/kit'
import { expect, it } from 'vitest'
import { failureOf, requestOn, scriptedHandler } from './scripted-handler.ts'
import { virtualClock } from './virtual-clock.ts'

it('follows its script, whose last line repeats, in the time of the clock', async () => {
  const clock = virtualClock()
  const gone = new Error('gone')
  const target = scriptedHandler([failureOf('overloaded', { status: 529 }), gone, undefined], {
    takesMs: 100,
  })
  const ask = () => clock.runUntil(Promise.resolve(target.handler(requestOn(clock))))
  const refused = await ask()
  expect([refused.status, refused.failure?.kind]).toEqual([529, 'overloaded'])
  await expect(ask()).rejects.toBe(gone)
  for (let call = 0; call < 2; call++) {
    const { status, body, outcome } = await ask()
    expect(status).toBe(200)
    expect(JSON.parse(Buffer.from(await readBody(body)).toString()).content[0].text).toBe('The dam is full.')
    expect((await outcome).timings.end).toBe(100)
  }
  expect(target.asked).toEqual([0, 100, 200, 300])
})

it('counts answers that a policy drops, and stops when its request is aborted', async () => {
  const clock = virtualClock()
  const target = scriptedHandler([failureOf('server')])
  const { body } = await target.handler(requestOn(clock))
  body.cancel(new Error('another one answered'))
  expect(target.cancelled).toBe(1)
  const slow = scriptedHandler([undefined], { takesMs: Infinity })
  const abort = new AbortController()
  const answer = slow.handler(requestOn(clock, { signal: abort.signal }))
  abort.abort(new Error('the caller left'))
  await expect(answer).rejects.toThrow('the caller left')
})

it('refuses a script without a line', () => {
  expect(() => scriptedHandler([])).toThrow(RangeError)
})
