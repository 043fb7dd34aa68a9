import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { safeListener } from './safe-listener.ts'

it('what a listener throws or rejects with is a line', async () => {
  const lines: string[] = []
  const log = (line: string): void => void lines.push(line)
  safeListener<string>(
    'onAnswer',
    (event) => {
      throw new Error(`not ${event}`)
    },
    log,
  )?.('this')
  safeListener<string>(
    'onAnswer',
    async (event) => {
      throw new Error(`not ${event}`)
    },
    log,
  )?.('that')
  safeListener<string>(
    'log',
    () => {
      throw undefined
    },
    log,
  )?.('')
  await turn()
  expect(lines).toEqual(['onAnswer failed: not this', 'log failed: undefined', 'onAnswer failed: not that'])
  expect(safeListener('onAnswer', undefined, log)).toBeUndefined()
})
