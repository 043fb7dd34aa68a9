// Runs a gateway before the Claude at CLAUDE_URL and, when asked over IPC, reports what this process holds.
import { type Config, startGateway } from '../src/index.ts'

const config: Config = {
  server: { host: '127.0.0.1', port: 0, auth: 'none' },
  targets: {
    claude: {
      api: 'anthropic',
      endpoints: [{ url: process.env.CLAUDE_URL ?? '', credential: 'env:SPILLWAY_TEST_KEY' }],
    },
  },
  routes: [{ models: '*', target: 'claude', fallback: [] }],
}

const gateway = await startGateway(config)

process.on('message', () => {
  const resources: Record<string, number> = {}
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1
  const listeners = process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0)
  process.send?.({ resources, listeners })
})
process.send?.({ url: gateway.url })
