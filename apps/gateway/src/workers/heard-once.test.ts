import { virtualClock } from '@spillway/testing'
import { expect, it } from 'vitest'
import { heardOnce } from './heard-once.ts'
import type { Said } from './orders.ts'

const warning = (line: string): Said => ({ kind: 'warning', line })

const opened = (reason: 'failure_rate' | 'shared'): Said => ({
  kind: 'circuit',
  changed: {
    ...{ target: 't', endpoint: '1' },
    change: { key: 'm', scope: 'model', from: 'closed', to: 'open', reason },
  },
})

function hearing() {
  const clock = virtualClock()
  const heard: Said[] = []
  return { clock, heard, say: heardOnce(clock, (said) => heard.push(said)) }
}

it('hears of several workers that say the same the first one, and each again after a while', async () => {
  const { clock, heard, say } = hearing()
  for (const worker of [1, 2, 3]) say(worker, warning('redis is away'))
  expect(heard).toHaveLength(1)
  await clock.advance(6_000)
  say(2, warning('redis is away'))
  expect(heard).toHaveLength(2)
})

it('hears one worker whatever it repeats, and what others say besides', () => {
  const { heard, say } = hearing()
  say(1, warning('a'))
  say(1, warning('a'))
  say(2, warning('b'))
  expect(heard).toEqual([warning('a'), warning('a'), warning('b')])
})

it('hears once of a circuit that one worker has opened and the others for that', () => {
  const { heard, say } = hearing()
  say(1, opened('failure_rate'))
  say(2, opened('shared'))
  expect(heard).toEqual([opened('failure_rate')])
})
