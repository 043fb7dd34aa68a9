import { ownKey } from './markers.ts'
import type { Upstreams } from './upstream.ts'

/** How many endpoints each target has. */
export const targets: Readonly<Record<string, number>> = {
  claude: 2,
  router: 1,
  openai: 1,
  mapped: 1,
  local: 1,
  callers: 1,
  limited: 1,
  candidate: 1,
}

/** The protocols in which a target answers without translation. */
export const speaks: Readonly<Record<string, readonly string[]>> = {
  claude: ['anthropic'],
  router: ['anthropic', 'openai'],
  openai: ['openai'],
  mapped: ['anthropic'],
  local: ['anthropic', 'openai'],
  callers: ['anthropic'],
  limited: ['anthropic'],
}

export const env: Readonly<Record<string, string>> = { FUZZ_KEY: ownKey }

/** A configuration like the defaults, with a target of each kind, and limits short enough for a million cases. */
export function configOf(upstreams: Upstreams, folder: string): object {
  const credential = 'env:FUZZ_KEY'
  const endpoint = (target: string, more: object = { credential }, path = ''): object => ({
    url: upstreams.url(target) + path,
    ...more,
  })
  return {
    server: { host: '127.0.0.1', port: 0, keepAliveAfter: '200ms' },
    targets: {
      claude: {
        api: 'anthropic',
        endpoints: [1, 2].map((number) => ({ url: upstreams.url('claude', number), credential })),
      },
      router: {
        api: 'openrouter',
        endpoints: [endpoint('router', { credential }, '/api')],
        openrouter: { models: ['a/b'] },
      },
      openai: { api: 'openai', endpoints: [endpoint('openai', { credential }, '/v1')] },
      mapped: {
        api: 'anthropic',
        endpoints: [endpoint('mapped')],
        model: 'claude-haiku-4-5-20251001',
        capabilities: { contextTokens: 100_000, images: false },
      },
      local: { api: 'ollama', endpoints: [endpoint('local', {})], model: 'llama3.2' },
      callers: { api: 'anthropic', endpoints: [endpoint('callers', { credential: 'caller' })] },
      limited: { api: 'anthropic', endpoints: [endpoint('limited')], retry: { attempts: 1 } },
      candidate: {
        api: 'openai',
        endpoints: [endpoint('candidate')],
        model: 'gpt-candidate',
        retry: { attempts: 1 },
      },
    },
    routes: [
      { models: 'claude-*', target: 'claude', fallback: ['router', 'local'] },
      { models: 'gpt-*', target: 'openai', fallback: ['mapped'] },
      { models: 'local-*', target: 'local', fallback: ['claude'] },
      { models: 'team-*-own-*', target: 'callers', fallback: ['mapped'] },
      { models: '*-mapped*', target: 'mapped', fallback: ['openai', 'local'] },
      { models: 'limited-*', target: 'limited', fallback: ['router'] },
    ],
    mirror: [{ from: 'claude', to: 'candidate', sample: 0.03, concurrency: 16, callsPerMinute: 100_000 }],
    timeouts: { total: '4s', connect: '1s', headers: '400ms', firstContent: '400ms', idle: '300ms' },
    retry: { attempts: 3, baseDelay: '1ms', maxDelay: '5ms', budget: 0.5 },
    fallback: { reserve: '1s' },
    rateLimit: {
      requestsPerMinute: 10_000_000,
      inputTokensPerMinute: 1_000_000_000_000,
      concurrency: 1_000,
      maxWait: '1s',
    },
    storage: { url: `sqlite:${folder}/books.db`, journal: `${folder}/waiting` },
  }
}
