import { type SimulatedServer, startClaude, startOpenAi, startOpenRouter } from '@spillway/testing'
import { keyVariable } from './gateways/spillway-config.ts'

/** The upstreams of a soak: a first and a second for each protocol. */
export interface SoakUpstreams {
  readonly anthropic: SimulatedServer
  readonly openai: SimulatedServer
  readonly responses: SimulatedServer
  readonly all: readonly SimulatedServer[]
}

export async function startUpstreams(): Promise<SoakUpstreams> {
  const options = { record: false, separateWrites: true }
  const anthropic = await startClaude(options)
  const openai = await startOpenRouter(options)
  const responses = await startOpenAi(options)
  const seconds = [await startClaude(options), await startOpenRouter(options), await startOpenAi(options)]
  return { anthropic, openai, responses, all: [anthropic, openai, responses, ...seconds] }
}

/** Models `anthropic`, `openai` and `responses`; with `-fallback` behind them, each with a second target. */
export function soakConfig({ all }: SoakUpstreams): string {
  const target = (api: string, server: SimulatedServer | undefined, more: object = {}): object => ({
    api,
    ...more,
    endpoints: [{ url: server?.url, credential: `env:${keyVariable}` }],
  })
  const native = { dialect: 'openai', responses: true }
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
      responses: target('openai', all[2], native),
      'anthropic-second': target('anthropic', all[3]),
      'openai-second': target('openrouter', all[4]),
      'responses-second': target('openai', all[5], native),
    },
    routes: [
      route('anthropic', 'anthropic'),
      route('openai', 'openai'),
      route('responses', 'responses'),
      route('anthropic-fallback', 'anthropic', ['anthropic-second']),
      route('openai-fallback', 'openai', ['openai-second']),
      route('responses-fallback', 'responses', ['responses-second']),
    ],
    timeouts: { total: '2s', connect: '1s', headers: '150ms', firstContent: '150ms', idle: '150ms' },
    retry: { attempts: 3, baseDelay: '10ms', maxDelay: '50ms', budget: 1 },
    fallback: { reserve: '1s' },
  })
}
