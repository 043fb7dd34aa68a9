import { describe } from '@spillway/middleware'
import { describeShort } from '@spillway/middleware/kit'
import { expect, it } from 'vitest'
import { stringify } from 'yaml'
import { withChains } from './chains.ts'
import { parseConfig } from './config/load-config.ts'

const config = parseConfig(
  stringify({
    targets: {
      claude: {
        api: 'anthropic',
        endpoints: [
          { url: 'https://a.example.com', credential: 'env:A_KEY' },
          { name: 'b', url: 'https://b.example.com', credential: 'vault:b' },
        ],
      },
      router: {
        api: 'openrouter',
        model: 'anthropic/claude-sonnet-5.5',
        openrouter: { models: ['x/y'] },
        endpoints: [{ url: 'https://openrouter.ai/api', connections: 5, credential: 'caller' }],
      },
      inside: { api: 'embedded', model: 'no-such-model.gguf' },
    },
    routes: [
      { models: 'claude-*', target: 'claude', fallback: ['router', 'inside'] },
      { models: '*', target: 'router' },
    ],
    mirror: [{ from: 'claude', to: 'router', sample: 0.5 }],
    tenants: { rateLimit: { concurrency: 3 } },
    rateLimit: { requestsPerMinute: 600 },
    vault: { file: 'vault.age', identity: 'env:IDENTITY' },
  }),
  'test.yaml',
).config

it('a route’s chain is told in one line, and in whole with all that it chooses among', async () => {
  const [short, whole] = await withChains(config, (routes) => [
    routes.map(({ models, handler }) => `${models}: ${describeShort(handler)}`),
    routes.map(({ handler }) => describe(handler)),
  ])
  expect(short).toEqual([
    'claude-*: telemetry > ledger > rate limit > translate > mirror [candidate router] > ' +
      'fallback [target router; target inside] > fit > retry > routing [endpoint 1; endpoint b]',
    expect.stringMatching(
      /^\*: telemetry > ledger > rate limit > translate > fit > retry > target router > .* > attempt$/,
    ),
  ])
  const lines = whole.join('\n').split('\n')
  expect(lines).not.toContainEqual(expect.stringContaining('anonymous'))
  for (const line of [
    '  target inside',
    '    attempt (at no-such-model.gguf)',
    '  candidate router',
    '  endpoint b',
    '    circuit breaker (failureRate 0.5, minimumCalls 20, window 60000, openFor 15000)',
    '    attempt (at https://b.example.com)',
    'retry (attempts 3, baseDelay 500, maxDelay 10000)',
  ])
    expect(lines).toContain(line)
  expect(whole[0]).toMatch(/^rate limit \(concurrency 3[,)]/m)
})
