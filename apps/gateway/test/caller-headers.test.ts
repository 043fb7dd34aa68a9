import { type SimulatedServer, startClaude, startOllama, startOpenRouter } from '@spillway/testing'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { configOf, forThisTest, gatewayOf, ownKey } from './gateway.ts'
import { messages, send } from './raw-client.ts'

/** Every place that a caller's request can come to: both gateways send each call to two or three of them. */
async function everywhere(more: object = {}) {
  const [well, candidate, sick, alsoSick, local] = await Promise.all([
    startClaude(),
    startClaude(),
    startClaude(),
    startOpenRouter(),
    startOllama(),
  ])
  const servers = { first: well, candidate, sick, fallback: alsoSick, local }
  for (const server of Object.values(servers)) forThisTest(server)
  for (const server of [sick, alsoSick]) server.always({ type: 'status', status: 529 })
  const at = (api: string, { url }: SimulatedServer, path = '') => ({
    api,
    endpoints: [{ url: url + path, credential: ownKey.reference, ...more }],
  })
  const mirrored = await gatewayOf(
    configOf(at('anthropic', well), at('anthropic', candidate), {
      mirror: [{ from: 'claude', to: 'local', sample: 1, concurrency: 100, callsPerMinute: 10_000 }],
    }),
  )
  const chain = await gatewayOf({
    targets: {
      claude: at('anthropic', sick),
      openrouter: { ...at('openrouter', alsoSick, '/api'), model: 'anthropic/claude-sonnet-5.5' },
      local: { api: 'ollama', endpoints: [{ url: local.url, ...more }], model: 'llama3.2' },
    },
    routes: [{ models: '*', target: 'claude', fallback: ['openrouter', 'local'] }],
    retry: { attempts: 1 },
    circuitBreaker: { enabled: false },
  })
  return {
    servers,
    /** Sends a call through both, and returns what each place got of it. */
    async ask(headers: Readonly<Record<string, string>>, query = '') {
      const counts = Object.values(servers).map(({ requests }) => requests.length)
      const answers = await Promise.all(
        [mirrored, chain].map(({ url }) => send(`${url}/v1/messages${query}`, { headers, body: messages() })),
      )
      expect(answers.map(({ status }) => status)).toEqual([200, 200])
      await vi.waitFor(() =>
        expect(Object.values(servers).map(({ requests }) => requests.length)).toEqual(
          counts.map((count) => count + 1),
        ),
      )
      return Object.entries(servers).map(([place, { requests }]) => ({ place, ...requests.at(-1)! }))
    },
  }
}

const known = /^(anthropic-|x-claude-code-|x-stainless-|x-openrouter-)/
const defined = new Set(
  'accept content-type user-agent traceparent tracestate x-app http-referer x-title x-anthropic-beta'.split(
    ' ',
  ),
)
/** HTTP gives these a meaning for the connection to the gateway itself. */
const forTheConnection = /^(connection|content-|transfer-|expect|host|upgrade|te|trailer|keep-alive|http2-)/
const otherName = fc
  .stringMatching(/^[a-z][a-z0-9-]{1,30}[a-z0-9]$/)
  .filter((name) => !known.test(name) && !defined.has(name) && !forTheConnection.test(name))

describe('a caller’s header that no protocol defines', () => {
  it('reaches no target, no local model and no candidate of a mirror', async () => {
    const { ask } = await everywhere()
    const values = {
      'api-key': 'secret-1',
      'x-goog-api-key': 'secret-2',
      'x-auth-token': 'secret-3',
      'x-amz-security-token': 'secret-4',
      'cf-access-client-secret': 'secret-5',
      'x-forwarded-for': 'secret-6',
      forwarded: 'for=secret-7',
      'x-real-ip': 'secret-8',
      referer: 'http://secret-9.example/',
      cookie: 'session=secret-10',
      'proxy-authorization': 'Basic secret-11',
      'x-spillway-session': 'secret-12',
      baggage: 'user=secret-13',
      authorization: 'Bearer secret-14',
      'x-api-key': 'secret-15',
      'anthropic-dangerous-direct-browser-access': 'secret-16',
      'x-csrf-token': 'secret-17',
      'x-user-email': 'secret-18@example.com',
      via: '1.1 secret-19',
    }
    for (const { place, headers } of await ask(values)) {
      const leaks = Object.entries(headers).filter(([, value]) => value.includes('secret-'))
      expect({ place, leaks }).toEqual({ place, leaks: [] })
    }
  })

  it('reaches none of them, whatever its name', async () => {
    const { ask } = await everywhere()
    const names = fc.uniqueArray(otherName, { minLength: 20, maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(names, async (generated) => {
        const got = await ask(Object.fromEntries(generated.map((name) => [name, 'a-secret-value'])))
        for (const { place, headers } of got) {
          const leaks = Object.keys(headers).filter((name) => headers[name]?.includes('a-secret-value'))
          expect({ place, leaks }).toEqual({ place, leaks: [] })
        }
      }),
      { numRuns: 25 },
    )
  })

  it('reaches those whose configuration names it', async () => {
    const { ask } = await everywhere({ forwardHeaders: ['X-Team', 'baggage'] })
    const got = await ask({ 'x-team': 'blue', baggage: 'plan=pro', 'x-other': 'no' })
    for (const { place, headers } of got) {
      const { 'x-team': team, baggage, 'x-other': other } = headers
      expect({ place, team, baggage, other }).toEqual({
        place,
        team: 'blue',
        baggage: 'plan=pro',
        other: undefined,
      })
    }
  })
})

it('a header of a protocol reaches the targets that speak it', async () => {
  const { ask } = await everywhere()
  const got = await ask({
    'anthropic-of-next-year': '1',
    'x-claude-code-agent-id': '2',
    'x-title': '3',
    'user-agent': 'a/4',
  })
  const names = ['anthropic-of-next-year', 'x-claude-code-agent-id', 'x-title', 'user-agent']
  const arrived = got.map(({ place, headers }) => [place, names.filter((name) => name in headers)])
  expect(Object.fromEntries(arrived)).toEqual({
    first: ['anthropic-of-next-year', 'x-claude-code-agent-id', 'user-agent'],
    candidate: ['anthropic-of-next-year', 'x-claude-code-agent-id', 'user-agent'],
    sick: ['anthropic-of-next-year', 'x-claude-code-agent-id', 'user-agent'],
    fallback: ['anthropic-of-next-year', 'x-title', 'user-agent'],
    local: ['user-agent'],
  })
})

it('a key in the query of a call reaches no target', async () => {
  const { ask } = await everywhere()
  for (const { place, path } of await ask({}, '?beta=true&key=a-secret&access_token=a-secret')) {
    expect({ place, path }).toEqual({ place, path: expect.not.stringContaining('a-secret') })
    expect(path).toContain('beta=true')
  }
})
