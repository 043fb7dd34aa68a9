import { systemClock } from '@spillway/middleware'
import { startClaude } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
// By its path: a dependency would close a circle, since that package's examples stand on this one.
import { fallback } from '../../circuit-breaker-fallback/src/index.ts'
import { question, rejection } from '../test/support.ts'
import { CredentialError, checkedSource } from './checked-source.ts'
import { createClient } from './client.ts'
import {
  type AccessToken,
  type Credential,
  refreshingToken,
  type TokenSource,
  tokenSource,
} from './credential.ts'

const key = 'sk-ant-real'

/** Each way in which a client gets this text as its credential. */
const ways: readonly (readonly [string, (text: string) => Credential])[] = [
  ['a function', (text) => () => text],
  ['a function that waits', (text) => async () => text],
  ['an OAuth token', (text) => refreshingToken({ refresh: async () => ({ value: text }) })],
  ['a source', (text) => ({ token: () => ({ value: text }), refused() {} })],
  ['a source that gives a promise of another library', (text) => foreignPromises(text)],
]

/** Promises that are no `Promise`, as those of queries in some libraries. */
const foreignPromises = (text: string): TokenSource => ({
  // biome-ignore lint/suspicious/noThenProperty: that is what makes it a promise
  token: () => ({ then: (done: (token: AccessToken) => void) => done({ value: text }) }) as never,
  refused() {},
})

describe.each([['a text', (text: string): Credential => text] as const, ...ways])(
  'from %s',
  (_, credential) => {
    it.each([`${key}\n`, `${key}\r\n`, ` ${key} `, `\ufeff${key}\n`])(
      '%j goes out as the key',
      async (text) => {
        await using claude = await startClaude({ apiKeys: [key] })
        await using client = createClient({
          provider: 'anthropic',
          baseUrl: claude.url,
          credential: credential(text),
        })
        await client.complete('Hello')
        const headers = { 'anthropic-version': '2023-06-01' }
        expect((await client.fetch(`${claude.url}/v1/models`, { headers })).status).toBe(200)
        expect(claude.requests.map(({ headers }) => headers['x-api-key'])).toEqual([key, key])
      },
    )

    it('nothing fails the call as authentication, of our own making', async () => {
      await using claude = await startClaude()
      await using client = createClient({
        provider: 'anthropic',
        baseUrl: claude.url,
        credential: credential(' \n'),
      })
      const { failure } = (await rejection(client.complete('Hello'))) as { failure: unknown }
      expect(failure).toEqual({
        kind: 'authentication',
        message: 'the credential is empty',
        retryable: false,
        scope: 'key',
        origin: 'spillway',
      })
      expect(claude.requests).toEqual([])
    })
  },
)

describe.each(ways)('what can be no key, from %s,', (_, credential) => {
  const cases = [
    [`${key}\n${key}`, 'contains a line break'],
    [`${key} x`, 'contains white space'],
    [`${key}\u0000`, 'contains a control character'],
    [`${key}é`, 'contains a non-ASCII character'],
    [`"${key}"`, 'is in quotes'],
  ] as const

  it.each(cases)('%j fails the call by name and not by value', async (text, problem) => {
    await using claude = await startClaude()
    await using client = createClient({
      provider: 'anthropic',
      baseUrl: claude.url,
      credential: credential(text),
    })
    const response = await client.fetch(`${claude.url}/v1/messages`, question())
    expect(response.status).toBe(401)
    const body = await response.text()
    expect(body).toContain(`the credential ${problem}`)
    expect(body).not.toContain('sk-ant')
    expect((await client.fetch(`${claude.url}/v1/models`)).status).toBe(401)
    expect(claude.requests).toEqual([])
  })

  it('lets a fallback answer', async () => {
    await using claude = await startClaude()
    await using other = await startClaude({ reply: { text: 'From the fallback.' } })
    await using second = createClient({
      provider: 'anthropic',
      baseUrl: other.url,
      credential: 'k',
      name: 'other',
    })
    await using client = createClient({
      provider: 'anthropic',
      baseUrl: claude.url,
      credential: credential(`${key}\n${key}`),
      middleware: [fallback([second])],
    })
    const response = await client.fetch(`${claude.url}/v1/messages`, question())
    expect(await response.text()).toContain('From the fallback.')
  })
})

describe('a text that can be no key', () => {
  it('is refused where the client is made, by name and not by value', () => {
    for (const credential of [`${key}\n${key}`, `Bearer ${key}`, `"${key}"`]) {
      const make = (): unknown => createClient({ provider: 'anthropic', credential })
      expect(make).toThrow(TypeError)
      expect(make).toThrow(/^credential (contains|is)/)
      expect(make).not.toThrow('sk-ant')
    }
  })
})

describe('a source', () => {
  const lending = (...texts: unknown[]) => {
    const log: string[] = []
    class Lease implements AccessToken {
      readonly value: string
      constructor(text: unknown) {
        this.value = text as string
      }
      release(): void {
        log.push('released')
      }
    }
    const source: TokenSource = {
      token: () => new Lease(texts.length > 1 ? texts.shift() : texts[0]),
      refused: (value) => void log.push(`refused ${JSON.stringify(value)}`),
    }
    return { log, checked: checkedSource(source) }
  }

  it('hears of the very text that it gave when that was refused', async () => {
    const { checked, log } = lending('one\n', 'two')
    for (const value of ['one', 'two']) {
      expect((await checked.token(systemClock)).value).toBe(value)
      checked.refused(value)
    }
    expect(log).toEqual(['refused "one\\n"', 'refused "two"'])
  })

  it('gets back what it lent, trimmed or not', async () => {
    const { checked, log } = lending('one\n', 'two')
    for (let turn = 0; turn < 2; turn++) (await checked.token(systemClock)).release?.()
    expect(log).toEqual(['released', 'released'])
  })

  it.each(['a b', undefined, null, 7])('gets back what can be no key, such as %j', (text) => {
    const { checked, log } = lending(text)
    expect(() => checked.token(systemClock)).toThrow(CredentialError)
    expect(log).toEqual(['released'])
  })

  it('may say why it has no key, in words that are shown', async () => {
    await using claude = await startClaude()
    const credential: TokenSource = {
      token() {
        throw new CredentialError('nobody is signed in')
      },
      refused() {},
    }
    await using client = createClient({ provider: 'anthropic', baseUrl: claude.url, credential })
    expect(await rejection(client.complete('Hello'))).toMatchObject({
      failure: { message: 'nobody is signed in' },
    })
  })
})

it('a token that is refused is asked for again by the source’s own text', async () => {
  await using claude = await startClaude({ apiKeys: ['two'] })
  const tokens = ['one\n', 'two\n']
  const credential = refreshingToken({ refresh: async () => ({ value: tokens.shift() ?? 'none' }) })
  await using client = createClient({ provider: 'anthropic', baseUrl: claude.url, credential })
  expect((await client.complete('Hello')).text).not.toBe('')
  expect(claude.requests.map(({ headers }) => headers['x-api-key'])).toEqual(['one', 'two'])
  expect(tokenSource('k\n').token(systemClock)).toMatchObject({ value: 'k' })
})
