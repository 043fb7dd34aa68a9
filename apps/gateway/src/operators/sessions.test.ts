import { virtualClock } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import type { Client } from '../clients/client-directory.ts'
import { permissionsOf } from '../clients/permissions.ts'
import { wholeOperator } from './operator.ts'
import { isSame, Sessions } from './sessions.ts'

const hour = 3_600_000
const someone = wholeOperator('ops')

/** Of no matter to sessions of one process. */
const holder = { by: 'code', actor: 'admin:alice' } as const

function open(more: object = {}) {
  const clock = virtualClock()
  const sessions = new Sessions({ clock, ...more })
  return { clock, sessions }
}

describe('a session', () => {
  it('lasts twelve hours at most, and two without a request', async () => {
    const { clock, sessions } = open()
    const { id: busy } = sessions.open('ops', () => someone, holder)
    const { id: left, session } = sessions.open('ops', () => someone, holder)
    for (let hours = 1; hours < 12; hours++) {
      await clock.advance(hour)
      expect(sessions.use(busy)?.now()).toBe(someone)
      if (hours === 1) expect(session.now()).toBe(someone)
    }
    expect([session.now(), sessions.use(left)]).toEqual([undefined, undefined])
    await clock.advance(hour)
    expect(sessions.use(busy)).toBeUndefined()
    expect(sessions.size).toBe(0)
  })

  it('ends with the key, and does not come back when the permission does', () => {
    const { sessions } = open()
    let client: Client | undefined = someone
    const { id, session } = sessions.open('ops', () => client, holder)
    expect(sessions.use(id)).toBe(session)
    client = { ...someone, permissions: permissionsOf(['chat']) }
    expect(session.now()).toBeUndefined()
    client = someone
    expect([session.now(), sessions.use(id)]).toEqual([undefined, undefined])
  })

  it('has an id and a token of 256 bits that are never the same, and no other id is one', () => {
    const { sessions } = open()
    const all = Array.from({ length: 20 }, () => sessions.open('ops', () => someone, holder))
    const texts = all.flatMap(({ id, session }) => [id, session.csrf])
    expect(new Set(texts).size).toBe(40)
    for (const text of texts) expect(text).toMatch(/^[\w-]{43}$/)
    for (const wrong of ['', 'x', `${all[0]?.id}x`, all[0]?.session.csrf ?? '', '__proto__'])
      expect(sessions.use(wrong)).toBeUndefined()
  })

  it('makes space for another one, of its own client first', () => {
    const { sessions } = open({ perClient: 2, most: 3 })
    const first = sessions.open('a', () => someone, holder)
    const other = sessions.open('b', () => someone, holder)
    const second = sessions.open('a', () => someone, holder)
    sessions.open('a', () => someone, holder)
    expect([sessions.use(first.id), first.session.now()]).toEqual([undefined, undefined])
    expect(sessions.use(other.id)).toBeDefined()
    sessions.open('c', () => someone, holder)
    expect(sessions.use(other.id)).toBeUndefined()
    expect([sessions.use(second.id) !== undefined, sessions.size]).toEqual([true, 3])
  })
})

it.each([
  ['abc', 'abc', true],
  ['abd', 'abc', false],
  ['ab', 'abc', false],
  ['', 'abc', false],
  [undefined, 'abc', false],
  [['abc'], 'abc', false],
  ['äb', 'abc', false],
])('%j is the same as %j: %s', (given, expected, same) => {
  expect(isSame(given, expected)).toBe(same)
})
