import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type HeaderVenue, headerFence, isDivertedHeader, whyNotForwarded } from './header-fence.ts'

const signed: readonly HeaderVenue[] = ['bedrock', 'aws']
const venues: readonly HeaderVenue[] = [
  'anthropic',
  'openrouter',
  'openai',
  'local',
  'vertex',
  'google',
  ...signed,
]

/** What goes to each venue, as its documents name it. */
const defined: Readonly<Record<HeaderVenue, readonly string[]>> = {
  anthropic: [
    'anthropic-version',
    'anthropic-beta',
    'anthropic-workspace-id',
    'anthropic-of-next-year',
    'x-app',
    'x-claude-code-session-id',
    'x-claude-code-agent-id',
    'x-stainless-retry-count',
    'x-stainless-timeout',
  ],
  openrouter: [
    'http-referer',
    'x-title',
    'x-openrouter-title',
    'x-openrouter-categories',
    'x-anthropic-beta',
  ],
  openai: [
    'openai-organization',
    'openai-project',
    'openai-beta',
    'idempotency-key',
    'x-client-request-id',
    'x-stainless-lang',
  ],
  local: [],
  bedrock: [
    'x-amz-date',
    'x-amz-content-sha256',
    'x-amzn-bedrock-service-tier',
    'x-amzn-bedrock-trace',
    'x-amzn-trace-id',
  ],
  vertex: ['anthropic-beta', 'x-goog-user-project', 'x-vertex-ai-llm-request-type'],
  aws: ['anthropic-version', 'anthropic-workspace-id', 'x-app', 'x-amz-date', 'x-claude-code-session-id'],
  google: ['anthropic-version', 'anthropic-beta', 'x-app', 'x-goog-user-project', 'x-stainless-lang'],
}
const everywhere = ['accept', 'content-type', 'user-agent', 'traceparent', 'tracestate']

/** What callers, browsers and proxies add, and no vendor may see. */
const private_ = [
  'api-key',
  'x-goog-api-key',
  'x-auth-token',
  'x-amz-security-token',
  'cf-access-client-secret',
  'x-forwarded-for',
  'forwarded',
  'x-real-ip',
  'origin',
  'referer',
  'cookie',
  'proxy-authorization',
  'x-spillway-session',
  'baggage',
  'host',
  'content-length',
  'connection',
  'te',
  'x-vault-token',
  'x-csrf-token',
  'x-user-email',
  'anthropic-dangerous-direct-browser-access',
  'anthropic',
  'x-anthropic-key',
  '__proto__',
  'constructor',
]

describe.each(venues)('to %s', (venue) => {
  it('goes what every server reads, and what its protocol defines', () => {
    const passes = headerFence(venue, 'anthropic')
    expect([...everywhere, ...defined[venue]].filter((name) => !passes(name))).toEqual([])
  })

  it('goes nothing that is the caller’s own business', () => {
    for (const api of ['anthropic', 'openai'] as const) {
      const passes = headerFence(venue, api)
      // Where requests are signed, the one who signs says by which session.
      const own = signed.includes(venue) ? ['x-amz-security-token'] : []
      expect(private_.filter(passes)).toEqual(own)
      expect(['authorization', 'x-api-key'].filter(passes)).toEqual([])
    }
  })

  it('goes no other name, whatever it is', () => {
    const passes = headerFence(venue, 'openai')
    const known =
      /^(anthropic-|openai-|x-openrouter-|x-claude-code-|x-stainless-|x-amz-|x-amzn-bedrock-|x-vertex-ai-)/
    const names = new Set([...everywhere, ...Object.values(defined).flat()])
    const other = fc
      .stringMatching(/^[a-z][a-z0-9_.-]{0,40}$/)
      .filter((name) => !known.test(name) && !names.has(name))
    fc.assert(fc.property(other, (name) => !passes(name)))
  })
})

it('what is of the Messages protocol goes to OpenRouter with a Messages request only', () => {
  expect(headerFence('openrouter', 'anthropic')('anthropic-beta')).toBe(true)
  expect(headerFence('openrouter', 'openai')('anthropic-beta')).toBe(false)
})

it('a header that is named goes too, in whatever case', () => {
  const passes = headerFence('local', 'openai', { forwardHeaders: ['X-Tenant', 'baggage'] })
  expect(['x-tenant', 'baggage', 'x-other'].map(passes)).toEqual([true, true, false])
})

it.each([
  'authorization',
  'Authorization',
  'x-api-key',
  'X-API-KEY',
  'cookie',
  'set-cookie',
  'Cookie2',
  'connection',
  'keep-alive',
  'proxy-authorization',
  'transfer-encoding',
  'te',
  'host',
  'content-length',
  'content-encoding',
  'x-spillway-restart',
  'X-Spillway-Anything',
  '',
  'two words',
  'line\nbreak',
  'name:',
  'ü',
])('%j can never be named', (name) => {
  expect(whyNotForwarded(name)).toBeDefined()
  expect(() => headerFence('anthropic', 'anthropic', { forwardHeaders: ['x-fine', name] })).toThrow(
    /^forwardHeaders\[1] /,
  )
})

it('the error does not repeat what may be a whole header', () => {
  const forwardHeaders = ['x-key: sk-secret']
  expect(() => headerFence('anthropic', 'anthropic', { forwardHeaders })).toThrow(/^((?!secret).)*$/)
})

describe('a header of a diverted request', () => {
  const diverted = { 'x-api-key': 'sk-caller', 'x-team': 'a' }

  it.each([
    ['the same value under the same name', { 'x-team': 'a' }, 'x-team', true],
    ['another value', { 'x-team': 'b' }, 'x-team', false],
    ['one that the caller did not send', { 'x-mine': 'a' }, 'x-mine', false],
    ['one that is not there', {}, 'x-team', false],
    ['the caller’s key', { 'x-api-key': 'sk-caller' }, 'x-api-key', true],
    [
      'the caller’s key as translation presents it',
      { authorization: 'Bearer sk-caller' },
      'authorization',
      true,
    ],
    ['another key', { authorization: 'Bearer sk-own' }, 'authorization', false],
  ])('%s', (_, headers, name, expected) => {
    expect(isDivertedHeader(name, headers, diverted)).toBe(expected)
  })
})
