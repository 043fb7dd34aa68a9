import { virtualClock } from '@spillway/testing'
import { expect, it } from 'vitest'
import { clientHash } from '../clients/client-hash.ts'
import { codeLife, loginCodes, newLoginCode } from './login-code.ts'

const hash = clientHash(Buffer.alloc(32, 1))

it('a code logs in once, within two minutes, and only where the secret is the same', async () => {
  const clock = virtualClock()
  await clock.advance(1_000)
  const codes = loginCodes(hash, clock)
  const code = newLoginCode(hash, 'admin:alice', clock.epoch())
  expect(await Promise.all([codes.use(code), codes.use(code)])).toEqual(['admin:alice', undefined])
  expect(
    await codes.use(newLoginCode(clientHash(Buffer.alloc(32, 2)), 'admin:alice', clock.epoch())),
  ).toBeUndefined()
  const late = newLoginCode(hash, 'admin:alice', clock.epoch())
  await clock.advance(codeLife)
  expect(await codes.use(late)).toBeUndefined()
  // What was used before a restart is not known any more.
  const early = newLoginCode(hash, 'admin:alice', clock.epoch() - 1)
  expect(await loginCodes(hash, clock).use(early)).toBeUndefined()
  expect(await codes.use(newLoginCode(hash, 'admin:alice', clock.epoch() + 2 * codeLife))).toBeUndefined()
})

it('nothing else is a code: no part of one, no key, and no hash that was made for keys', async () => {
  const codes = loginCodes(hash, virtualClock())
  const code = newLoginCode(hash, 'admin:alice', virtualClock().epoch())
  const said = code.slice(0, code.lastIndexOf('.'))
  const other = said.replace(/[^-]+$/, Buffer.from('admin:root').toString('base64url'))
  for (const wrong of [
    '',
    said,
    `${said}.`,
    `${code}x`,
    `${other}${code.slice(said.length)}`,
    `${said}.${hash.of(said)}`,
  ])
    expect(await codes.use(wrong)).toBeUndefined()
  expect(await codes.use(code)).toBe('admin:alice')
})

it('is taken by one of several processes', async () => {
  const clock = virtualClock()
  const code = newLoginCode(hash, 'admin:alice', clock.epoch())
  const claimed: [string, number][] = []
  const claim = async (nonce: string, ms: number): Promise<boolean> => claimed.push([nonce, ms]) === 1
  const [one, other] = [loginCodes(hash, clock, claim), loginCodes(hash, clock, claim)]
  expect([await one.use(code), await other.use(code)]).toEqual(['admin:alice', undefined])
  expect(claimed).toMatchObject([
    [expect.any(String), codeLife],
    [claimed[0]?.[0], codeLife],
  ])
})
