import { pricePerMillion, type TargetName, tokensOfACall, type Vendor } from './vendor.ts'

/** What the gateways may let through in a minute: requests at one target, tokens of input at another. */
export const limits = { requests: 300, tokens: 300 * 100 } as const

/** How many calls each budget pays for. */
export const callsOfABudget = 150

export interface ConfigOptions {
  readonly vendor: Vendor
  readonly redis: string
  readonly postgres: string
  readonly folder: string
  readonly vault: { readonly file: string; readonly keyFile: string }
  readonly workers: number
}

/** What is changed while the gateways run. */
export interface Changes {
  /** Makes every target another one. */
  readonly version?: number
  /** What all callers may spend, in USD. */
  readonly usd?: number | undefined
}

/** The configuration of one of the gateways; they differ in where their journals are. */
export function configOf(
  { vendor, redis, postgres, folder, vault, workers }: ConfigOptions,
  name: string,
  { version = 0, usd }: Changes = {},
): object {
  const target = (of: TargetName, more: object = {}): object => ({
    api: 'anthropic',
    endpoints: [{ url: vendor.url(of), credential: 'vault:vendor' }],
    prices: [{ models: ['*'], input: pricePerMillion, output: pricePerMillion }],
    timeouts: { idle: `${60 + version}s` },
    ...more,
  })
  // More than come, so that the limits alone refuse.
  const plenty = {
    requestsPerMinute: 1e6,
    inputTokensPerMinute: 1e9,
    outputTokensPerMinute: 1e9,
    concurrency: 1_000,
  }
  const limited = (rateLimit: object): object => ({ rateLimit: { ...plenty, maxWait: '2s', ...rateLimit } })
  return {
    server: {
      ...{ host: '127.0.0.1', auth: 'keys', admin: 'open', drainDelay: '1s' },
      ...{ fingerprintKey: 'env:FLEET_FINGERPRINT_KEY', clientsDatabase: 'storage' },
      // A machine that is busy is no reason to refuse anything here.
      loadShedding: { maxEventLoopDelay: 'none' },
      ...(workers > 1 ? { workers } : {}),
    },
    targets: {
      calls: target('calls', limited({})),
      streams: target('streams', limited({})),
      requests: target('requests', limited({ requestsPerMinute: limits.requests })),
      tokens: target('tokens', limited({ inputTokensPerMinute: limits.tokens })),
    },
    routes: [
      { models: 'claude-opus-*', target: 'streams' },
      { models: 'claude-haiku-*', target: 'requests' },
      { models: 'claude-sonnet-4-*', target: 'tokens' },
      { models: '*', target: 'calls' },
    ],
    vault: { file: vault.file, keyFile: vault.keyFile },
    retry: { attempts: 4, baseDelay: '20ms', maxDelay: '200ms', budget: 1 },
    ...(usd === undefined ? {} : { budgets: { all: [`usd=${usd.toFixed(2)}/month`] } }),
    storage: { url: postgres, journal: `${folder}/journal-${name}` },
    // On a machine that is shared with others Redis may take longer than by default, without being away.
    state: { redis, timeout: '2s', processes: 3 },
  }
}

/** A model of each route. */
export const models: Readonly<Record<TargetName, string>> = {
  calls: 'claude-sonnet-5-5',
  streams: 'claude-opus-4-6',
  requests: 'claude-haiku-4-5',
  tokens: 'claude-sonnet-4-5',
}

const tokens = callsOfABudget * tokensOfACall
const usd = (callsOfABudget * tokensOfACall * pricePerMillion) / 1e6

/** Whoever has a budget, and the clients that use it. */
export const budgets: readonly {
  readonly of: string
  readonly unit: 'requests' | 'tokens' | 'usd'
  readonly amount: number
  readonly clients: readonly string[]
}[] = [
  { of: 'a key', unit: 'requests', amount: callsOfABudget, clients: ['anna'] },
  { of: 'a key', unit: 'tokens', amount: tokens, clients: ['bert'] },
  { of: 'a key', unit: 'usd', amount: usd, clients: ['cleo'] },
  { of: 'a team', unit: 'tokens', amount: tokens, clients: ['dora', 'emil'] },
  { of: 'a team', unit: 'usd', amount: usd, clients: ['fred', 'gina'] },
]

/** The team of some clients with a budget together. */
export const teamOf = (clients: readonly string[]): string | undefined =>
  clients.length > 1 ? `team-of-${clients[0]}` : undefined

/** Clients without a budget. */
export const unlimited = ['all', 'whole', 'rotating', 'revoked'] as const
