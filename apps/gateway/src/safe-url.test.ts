import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { endpointUrlProblem, safeUrl } from './safe-url.ts'

describe('an address as it may be shown', () => {
  it.each([
    ['https://api.anthropic.com', 'https://api.anthropic.com'],
    ['https://host/', 'https://host'],
    ['http://127.0.0.1:4010/v1/', 'http://127.0.0.1:4010/v1'],
    ['http://[::1]:4010', 'http://[::1]:4010'],
    ['http://user:pw@host:81/path', 'http://host:81/path'],
    ['http://user@host', 'http://host'],
    ['http://:pw@host', 'http://host'],
    ['https://host/v1?key=pw', 'https://host/v1'],
    ['https://host/v1?a=pw&a=pw2&b=pw', 'https://host/v1'],
    ['https://host/v1#pw', 'https://host/v1'],
    ['postgres://user:pw@host:5432/db?sslmode=require', 'postgres://host:5432/db'],
    ['postgres://user:p%40w@host/db', 'postgres://host/db'],
    ['redis://:pw@host:6379/0', 'redis://host:6379/0'],
    ['rediss://user:pw@host', 'rediss://host'],
    ['http://user:81/pw@host', 'http://user:81/…'],
    ['http://user:81?pw@host', 'http://user:81/…'],
    ['not a url pw', '(no URL)'],
    ['http://user:p/w@host', '(no URL)'],
    ['', '(no URL)'],
  ])('%s is %s', (url, shown) => {
    expect(safeUrl(url)).toBe(shown)
  })

  it('holds no password, whatever that is made of', () => {
    const scheme = fc.constantFrom('http', 'https', 'postgres', 'redis', 'rediss')
    const password = fc.string({ maxLength: 10 }).map((text) => `${text}CANARY`)
    fc.assert(
      fc.property(scheme, password, (protocol, secret) => {
        for (const url of [
          `${protocol}://user:${secret}@host/db`,
          `${protocol}://user:${encodeURIComponent(secret)}@host:81/db`,
          `${protocol}://:${secret}@host`,
          `${protocol}://host/db?password=${secret}`,
          `${protocol}://host/db?a=1&key=${encodeURIComponent(secret)}#x`,
          `${protocol}://host/#${secret}`,
        ])
          expect(safeUrl(url)).not.toContain('CANARY')
      }),
      { numRuns: 2_000 },
    )
  })
})

it.each([
  ['http://user:pw@host', /credential/],
  ['http://user@host', /credential/],
  ['http://:pw@host/v1', /credential/],
  ['https://host/v1?key=pw', /credential/],
  ['https://host/#pw', /credential/],
  ['https://host/v1', undefined],
  ['http://127.0.0.1:4010', undefined],
])('whether %s can be an endpoint', (url, problem) => {
  const found = endpointUrlProblem(url)
  if (problem === undefined) expect(found).toBeUndefined()
  else expect(found).toMatch(problem)
  expect(found ?? '').not.toContain('pw')
})
