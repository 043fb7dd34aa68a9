import { expect, it } from 'vitest'
import { stringify } from 'yaml'
import { parseConfig } from './load-config.ts'

const server = { api: 'openai', endpoints: [{ url: 'http://127.0.0.1:1', credential: 'env:PATH' }] }
const keyless = { api: 'ollama', endpoints: [{ url: 'http://127.0.0.1:1' }] }
const embedded = { api: 'embedded', model: 'model.gguf' }

/** What a file is warned of, by key. */
function warned(config: object): Record<string, string> {
  const { warnings } = parseConfig(stringify(config), 'test.yaml')
  return Object.fromEntries(warnings.map(({ key, message }) => [key, message]))
}

const routed = (target: object): object => ({
  targets: { a: target },
  routes: [{ models: '*', target: 'a' }],
})

it.each([
  ['*', 'claude-*', true],
  ['claude-*', 'claude-sonnet-*', true],
  ['claude-*', 'claude-*', true],
  ['*-sonnet-*', 'claude-sonnet-5', true],
  ['claude-*', '*', false],
  ['claude-sonnet-*', 'claude-*', false],
  ['claude-*', 'gpt-*', false],
  ['a*', '*a', false],
])('of a route for %s and one for %s behind it', (models, later, isUnreachable) => {
  const found = warned({
    targets: { a: server },
    routes: [
      { models, target: 'a' },
      { models: later, target: 'a' },
    ],
  })
  expect(found['routes[1].models'] ?? '').toMatch(isUnreachable ? /no call reaches this route: / : /^$/)
  expect(Object.keys(found)).toHaveLength(isUnreachable ? 1 : 0)
})

it('a target that nothing uses is said; a fallback and the target of a mirror are used', () => {
  const found = warned({
    targets: { a: server, b: server, c: server, d: server },
    routes: [{ models: '*', target: 'a', fallback: ['b'] }],
    mirror: [{ from: 'a', to: 'c', sample: 0.5 }],
  })
  expect(found).toEqual({ 'targets.d': expect.stringContaining('no route uses this target') })
})

it.each([
  ['an embedded model', { ...embedded, rateLimit: { countCacheReads: true } }, 'rateLimit.countCacheReads'],
  ['an embedded model', { ...embedded, includeUsage: true }, 'includeUsage'],
  ['an embedded model', { ...embedded, timeouts: { total: '5s' } }, 'timeouts.total'],
  ['a server', { ...server, timeouts: { total: '5s' } }, 'timeouts.total'],
  ['a server without a key', { ...keyless, rateLimit: { maxWait: '5s' } }, 'rateLimit'],
])('a limit that does nothing for %s is said: %j', (_, target, key) => {
  expect(Object.keys(warned(routed(target)))).toEqual([`targets.a.${key}`])
})

it.each([
  [{ ...embedded, rateLimit: { concurrency: 1, maxWait: '5s', inputTokensPerMinute: 100 } }],
  [{ ...embedded, timeouts: { firstContent: '5s' } }],
  [{ ...server, rateLimit: { maxWait: '5s' } }],
  [{ ...keyless, rateLimit: { concurrency: 2, maxWait: '5s' } }],
])('a limit that does something is not: %j', (target) => {
  expect(warned(routed(target))).toEqual({})
})
