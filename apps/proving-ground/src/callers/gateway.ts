import { parseConfig, startGateway } from '@spillway/gateway'
import { startClaude } from '@spillway/testing'

export interface CallersGateway extends AsyncDisposable {
  readonly url: string
  /** What Claude says. */
  readonly answer: string
  /** Claude is overloaded when it is asked next. */
  failNext(): void
}

/** A gateway with a simulated Claude, for callers in any language. */
export async function startCallersGateway(): Promise<CallersGateway> {
  const answer = 'It carries water around a full dam.'
  const claude = await startClaude({ reply: { text: answer } })
  process.env.CALLERS_KEY = 'sk-ant-test'
  const { config } = parseConfig(
    JSON.stringify({
      targets: {
        claude: { api: 'anthropic', endpoints: [{ url: claude.url, credential: 'env:CALLERS_KEY' }] },
      },
      routes: [{ models: '*', target: 'claude' }],
    }),
    'callers.yaml',
  )
  const gateway = await startGateway(config, { port: 0, log: () => {} })
  return {
    url: gateway.url,
    answer,
    failNext: () => claude.next({ type: 'status', status: 529 }),
    async [Symbol.asyncDispose]() {
      await gateway.close()
      await claude.close()
    },
  }
}
