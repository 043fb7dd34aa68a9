import { endpoints, type SoakUpstreams } from './upstreams.ts'

export const env: Readonly<Record<string, string>> = Object.fromEntries(
  [1, 2, 3].map((number) => [`SOAK_KEY_${number}`, `sk-ant-soak-${number}`]),
)

/** Two targets in trouble, one that takes over, a mirror, books in a file; limits that end stalls within seconds. */
export function configOf(upstreams: SoakUpstreams, folder: string): object {
  const at = (target: string, number: number, path = ''): object => ({
    url: upstreams.url(target, number) + path,
    credential: `env:SOAK_KEY_${number}`,
  })
  const claude = Array.from({ length: endpoints.claude as number }, (_, index) => at('claude', index + 1))
  return {
    server: { host: '127.0.0.1', port: 0 },
    targets: {
      claude: { api: 'anthropic', endpoints: claude },
      translated: { api: 'openai', endpoints: [at('translated', 1, '/api')] },
      fallback: {
        api: 'openrouter',
        endpoints: [at('fallback', 1, '/api')],
        model: 'anthropic/claude-sonnet-5.5',
      },
      candidate: { api: 'anthropic', endpoints: [at('candidate', 1)], retry: { attempts: 1 } },
    },
    routes: [
      { models: 'claude-*', target: 'claude', fallback: ['fallback'] },
      { models: '*', target: 'translated', fallback: ['fallback'] },
    ],
    mirror: [{ from: 'claude', to: 'candidate', sample: 0.02, callsPerMinute: 1_000 }],
    timeouts: { total: '20s', connect: '2s', headers: '2s', firstContent: '2s', idle: '2s' },
    retry: { attempts: 3, baseDelay: '50ms', maxDelay: '500ms' },
    fallback: { reserve: '5s' },
    rateLimit: { requestsPerMinute: 100_000, inputTokensPerMinute: 100_000_000, concurrency: 500 },
    tenants: { rateLimit: { requestsPerMinute: 100_000 } },
    storage: { url: `sqlite:${folder}/books.db`, journal: `${folder}/waiting` },
  }
}
