import { expect, it } from 'vitest'
import type { SeenCall } from './call.ts'
import { isWrong, wasKilled } from './calls.ts'
import type { Kill, Scene } from './trouble.ts'

const call = (more: Partial<SeenCall> = {}): SeenCall => ({
  ...{ call: 1, target: 'calls', client: 'all', gateway: 'gateway-1', port: 5, connectedAt: 10 },
  ...{ sentAt: 90, endedAt: 110, outcome: 'lost', status: undefined, problem: 'reset', id: undefined },
  ...more,
})
const kill = (more: Partial<Kill> = {}): Kill => ({
  ...{ gateway: 'gateway-1', ports: new Set([5]), at: 100, goneAt: 105 },
  ...more,
})

it.each([
  ['its connection was', {}, {}, true],
  ['one of the other worker was not', { port: 6 }, {}, false],
  ['all connections were, with all of the gateway', { port: 6 }, { ports: undefined }, true],
  ['one that was opened while the process died was', { port: 6, connectedAt: 102 }, {}, true],
  ['one that was opened after it was not', { connectedAt: 106 }, { ports: undefined }, false],
  ['a call that had ended before was not', { endedAt: 99 }, {}, false],
  ['one that was sent later on a dead connection was', { sentAt: 106 }, {}, true],
  ['one at another gateway was not', { gateway: 'gateway-2' }, { ports: undefined }, false],
])('what was in a killed process: %s', (_, seen, killed, expected) => {
  expect(wasKilled(call(seen), [kill(killed)])).toBe(expected)
})

it('a call may be refused where there is a limit, and lost with a killed process', () => {
  const scene = { kills: [kill()], revokedAt: 50 } as unknown as Scene
  const refused = (more: Partial<SeenCall>) => isWrong(call({ outcome: 'refused', ...more }), scene)
  expect(isWrong(call({ outcome: 'answered' }), scene)).toBe(false)
  expect(isWrong(call(), scene)).toBe(false)
  expect(isWrong(call({ gateway: 'gateway-2' }), scene)).toBe(true)
  expect(refused({ status: 429 })).toBe(true)
  expect(refused({ status: 429, target: 'requests' })).toBe(false)
  expect(refused({ status: 429, client: 'anna' })).toBe(false)
  expect(refused({ status: 401 })).toBe(true)
  expect(refused({ status: 401, client: 'revoked' })).toBe(false)
})
