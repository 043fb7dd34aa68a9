import type { Changes, CircuitView, Keys, Targets } from '@spillway/gateway-api'

const minute = 60_000

export function targetsAt(now: number): Targets {
  const closed = (name: string, failureRate: number | null): CircuitView => ({
    key: name,
    scope: 'model',
    state: 'closed',
    forced: false,
    since: now - 3 * 3_600_000,
    failureRate,
    history: [],
  })
  const recovered: CircuitView = {
    ...closed('claude-opus-5-5', 0.021),
    since: now - 34 * minute,
    history: [
      { at: now - 34 * minute, from: 'half_open', to: 'closed', reason: 'probes_succeeded' },
      { at: now - 35 * minute, from: 'open', to: 'half_open', reason: 'time_over' },
      { at: now - 36 * minute, from: 'closed', to: 'open', reason: 'failure_rate' },
    ],
  }
  return {
    shared: { limits: 'shared' },
    targets: [
      {
        name: 'claude',
        api: 'anthropic',
        endpoints: [
          {
            name: 'primary',
            url: 'https://api.anthropic.com',
            share: 0.81,
            circuits: [closed('claude-sonnet-5-5', 0.004), recovered],
            headroom: {
              requestsPerMinute: { used: 412, limit: 600 },
              inputTokensPerMinute: { used: 371_040, limit: 400_000 },
              outputTokensPerMinute: { used: 22_480, limit: 80_000 },
              concurrency: { used: 17, limit: 50 },
            },
          },
          {
            name: 'eu',
            url: 'https://eu.gateway.example.com/anthropic',
            share: 0.19,
            ejectedUntil: now + 20_000,
            circuits: [
              {
                ...closed('claude-sonnet-5-5', 0.62),
                state: 'open',
                since: now - 12_000,
                history: [{ at: now - 12_000, from: 'closed', to: 'open', reason: 'failure_rate' }],
              },
            ],
            headroom: { requestsPerMinute: { used: 12, limit: 600 } },
          },
        ],
      },
      {
        name: 'openrouter',
        api: 'openrouter',
        endpoints: [
          {
            name: 'openrouter',
            url: 'https://openrouter.ai/api',
            circuits: [closed('anthropic/claude-sonnet-5.5', null)],
            headroom: { concurrency: { used: 2, limit: 50 } },
          },
        ],
      },
      {
        name: 'local',
        api: 'ollama',
        endpoints: [{ name: 'local', url: 'http://127.0.0.1:11434', circuits: [], headroom: {} }],
      },
    ],
  }
}

/** Newest first: an open circuit, a limit that was closed, one that recovered, an endpoint that was left out. */
export function changesAt(now: number): Changes['changes'] {
  const eu = { target: 'claude', endpoint: 'eu', until: null }
  const primary = { target: 'claude', endpoint: 'primary', subject: 'claude-opus-5-5', until: null }
  const circuit = { kind: 'circuit', reason: 'failure_rate' } as const
  return [
    {
      ...{ ...eu, ...circuit, at: now - 12_000, subject: 'claude-sonnet-5-5' },
      ...{ was: 'closed', became: 'open' },
    },
    {
      ...{ ...eu, kind: 'endpoint', at: now - 40_000, subject: '', reason: 'failures' },
      ...{ was: 'in use', became: 'left out', until: now + 20_000 },
    },
    {
      ...primary,
      ...circuit,
      at: now - 34 * minute,
      was: 'half_open',
      became: 'closed',
      reason: 'probes_succeeded',
    },
    { ...primary, ...circuit, at: now - 35 * minute, was: 'open', became: 'half_open', reason: 'time_over' },
    { ...primary, ...circuit, at: now - 96 * minute, was: 'closed', became: 'open' },
    {
      ...{ target: 'openrouter', endpoint: '1', kind: 'limit', at: now - 7 * 60 * minute, subject: '' },
      ...{ was: 'open', became: 'closed', reason: 'rate_limited', until: now - 6 * 60 * minute },
    },
  ]
}

export function key(
  name: string,
  version: number,
  state: string,
  createdAt: number,
  lastUsedAt: number | null,
  fingerprint: string,
): Keys['keys'][number] {
  return { name, version, state, createdAt, lastUsedAt, fingerprint, environment: 'production' }
}
