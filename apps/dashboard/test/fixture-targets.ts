import type { CircuitView, Keys, Targets } from '@spillway/gateway-api'

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
      { at: now - 34 * minute, from: 'half-open', to: 'closed', reason: 'probes_succeeded' },
      { at: now - 35 * minute, from: 'open', to: 'half-open', reason: 'time_over' },
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
