import { generateKeyPairSync } from 'node:crypto'
import { virtualClock } from '@spillway/testing'
import { exportJWK, type JWK, SignJWT } from 'jose'
import { expect, it } from 'vitest'
import { openKeySet } from './key-set.ts'
import { verifyToken } from './verify-token.ts'

async function key(kid: string) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256' } }
}

type Key = Awaited<ReturnType<typeof key>>

/** A set of keys whose publisher is away while `published` is undefined. */
async function published(...first: JWK[]) {
  const clock = virtualClock()
  const state: { keys: JWK[] | undefined; readings: number } = { keys: first, readings: 0 }
  const set = await openKeySet({
    url: async () => 'https://login.example.com/keys',
    clock,
    async fetch() {
      state.readings++
      if (state.keys === undefined) throw Object.assign(new Error('away'), { code: 'ECONNREFUSED' })
      return Response.json({ keys: state.keys })
    },
  })
  const check = async ({ kid, privateKey }: Key) => {
    const now = Math.floor(clock.epoch() / 1000)
    const token = await new SignJWT({ aud: 'a', iss: 'i', exp: now + 60 })
      .setProtectedHeader({ alg: 'ES256', kid })
      .sign(privateKey)
    const found = await verifyToken(token, { issuer: 'i', audiences: ['a'], findKey: set.find, clock })
    return 'claims' in found ? 'taken' : found.reason
  }
  return { clock, state, set, check }
}

it('a replaced key is found by the first token with it, and one that was taken back ends', async () => {
  const [old, next] = [await key('old'), await key('next')]
  const { clock, state, set, check } = await published(old.jwk)
  await set.refresh()
  expect(await check(old)).toBe('taken')
  await clock.advance(10_000)
  state.keys = [next.jwk]
  const before = set.version
  expect(await check(next)).toBe('taken')
  expect(set.version).toBe(before + 1)
  expect(await check(old)).toBe('invalid')
})

it('unknown ids are looked for every ten seconds, however many are invented', async () => {
  const [good, invented] = [await key('good'), await key('invented')]
  const { clock, state, set, check } = await published(good.jwk)
  await set.refresh()
  for (let round = 0; round < 50; round++) {
    expect(await check({ ...invented, kid: `invented-${round}` })).toBe('invalid')
    await clock.advance(1_000)
  }
  expect(state.readings).toBeLessThanOrEqual(6)
  expect(await check(good)).toBe('taken')
})

it('keys hold for a day without their publisher, and no longer', async () => {
  const good = await key('good')
  const { clock, state, set, check } = await published(good.jwk)
  await set.refresh()
  state.keys = undefined
  await clock.advance(23 * 3_600_000)
  expect(await set.refresh()).toContain('ECONNREFUSED')
  expect(await check(good)).toBe('taken')
  await clock.advance(2 * 3_600_000)
  expect(await check(good)).toBe('unavailable')
  state.keys = [good.jwk]
  await clock.advance(10_000)
  expect(await check(good)).toBe('taken')
})

it('a token that does not say which key it was signed with is tried with those there are', async () => {
  const [one, two, none] = [await key('one'), await key('two'), await key('none')]
  const { set, check } = await published(one.jwk, two.jwk)
  await set.refresh()
  const nameless = (each: Key): Key => ({ ...each, kid: undefined as unknown as string })
  expect([await check(nameless(one)), await check(nameless(two)), await check(nameless(none))]).toEqual([
    'taken',
    'taken',
    'invalid',
  ])
})
