import { endpoints, type SoakUpstreams } from './upstreams.ts'

/** The keys of the vendors in the vault, each at an endpoint of its own. */
export const vendorKeys = ['soak-1', 'soak-2', 'soak-3'] as const

/** Who calls; each has a key that is rotated. */
export const clients = ['anna', 'bert', 'cleo', 'dora', 'emil', 'fred'] as const

/** The model of the streams that go on for long. */
export const longModel = 'claude-opus-4-1'

export interface SoakPlace {
  readonly upstreams: SoakUpstreams
  readonly folder: string
  /** 1 for a gateway that is one process. */
  readonly workers: number
}

export const vaultOf = (folder: string): { readonly file: string; readonly keyFile: string } => ({
  file: `${folder}/vault.age`,
  keyFile: `${folder}/vault.key`,
})

/**
 * Two targets in trouble, one that takes over, a calm one for long streams, a mirror, books in a file; limits that end stalls within seconds.
 * @param version makes each target another one
 */
export function configOf({ upstreams, folder, workers }: SoakPlace, version = 0): object {
  const at = (target: string, number: number, path = ''): object => ({
    url: upstreams.url(target, number) + path,
    credential: `vault:soak-${number}`,
  })
  const claude = Array.from({ length: endpoints.claude as number }, (_, index) => at('claude', index + 1))
  return {
    server: {
      ...{ host: '127.0.0.1', port: 0, auth: 'keys', admin: 'open' },
      ...{ fingerprintKey: 'env:SOAK_FINGERPRINT_KEY', clientsFile: `${folder}/clients.json` },
      // A machine that is busy is no reason to refuse anything here.
      loadShedding: { maxEventLoopDelay: 'none' },
      ...(workers > 1 ? { workers } : {}),
    },
    targets: {
      claude: { api: 'anthropic', endpoints: claude },
      translated: { api: 'openai', endpoints: [at('translated', 1, '/api')] },
      fallback: {
        api: 'openrouter',
        endpoints: [at('fallback', 1, '/api')],
        model: 'anthropic/claude-sonnet-5.5',
      },
      candidate: { api: 'anthropic', endpoints: [at('candidate', 1)], retry: { attempts: 1 } },
      long: { api: 'anthropic', endpoints: [at('long', 1)], timeouts: { idle: '30s', firstContent: '30s' } },
    },
    routes: [
      { models: longModel, target: 'long' },
      { models: 'claude-*', target: 'claude', fallback: ['fallback'] },
      { models: '*', target: 'translated', fallback: ['fallback'] },
    ],
    mirror: [{ from: 'claude', to: 'candidate', sample: 0.02, callsPerMinute: 1_000 }],
    timeouts: {
      ...{ total: `${20_000 + version}ms`, connect: '2s', headers: '2s', firstContent: '2s', idle: '2s' },
    },
    retry: { attempts: 3, baseDelay: '50ms', maxDelay: '500ms' },
    fallback: { reserve: '5s' },
    rateLimit: { requestsPerMinute: 100_000, inputTokensPerMinute: 100_000_000, concurrency: 1_000 },
    tenants: { rateLimit: { requestsPerMinute: 100_000 } },
    vault: vaultOf(folder),
    storage: { url: `sqlite:${folder}/books.db`, journal: `${folder}/waiting` },
  }
}
