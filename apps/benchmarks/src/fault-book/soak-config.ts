import { type SimulatedServer, startClaude, startOpenRouter } from '@spillway/testing'
import { keyVariable } from './gateways/spillway-config.ts'

/** The upstreams of a soak: a first and a second for each protocol. */
export interface SoakUpstreams {
  readonly anthropic: SimulatedServer
  readonly openai: SimulatedServer
  readonly all: readonly SimulatedServer[]
}

export async function startUpstreams(): Promise<SoakUpstreams> {
  const options = { record: false, separateWrites: true }
  const anthropic = await startClaude(options)
  const openai = await startOpenRouter(options)
  const all = [anthropic, openai, await startClaude(options), await startOpenRouter(options)]
  return { anthropic, openai, all }
}

/** Models `anthropic` and `openai`; with `-fallback` behind them, each with a second target. */
export function soakConfig({ all }: SoakUpstreams): string {
  const target = (api: string, server: SimulatedServer | undefined): object => ({
    api,
    endpoints: [{ url: server?.url, credential: `env:${keyVariable}` }],
  })
  const route = (models: string, target: string, fallback: string[] = []): object => ({
    models,
    target,
    fallback,
  })
  return JSON.stringify({
    server: { port: 0 },
    targets: {
      anthropic: target('anthropic', all[0]),
      openai: target('openrouter', all[1]),
      'anthropic-second': target('anthropic', all[2]),
      'openai-second': target('openrouter', all[3]),
    },
    routes: [
      route('anthropic', 'anthropic'),
      route('openai', 'openai'),
      route('anthropic-fallback', 'anthropic', ['anthropic-second']),
      route('openai-fallback', 'openai', ['openai-second']),
    ],
    timeouts: { total: '2s', connect: '1s', headers: '150ms', firstContent: '150ms', idle: '150ms' },
    retry: { attempts: 3, baseDelay: '10ms', maxDelay: '50ms', budget: 1 },
    fallback: { reserve: '1s' },
  })
}
