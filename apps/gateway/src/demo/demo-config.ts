import { stringify } from 'yaml'
import type { Config } from '../config/config.ts'
import { parseConfig } from '../config/load-config.ts'

/** The variable that holds the simulated Claude's key, which is worth nothing anywhere. */
export const demoKey = 'SPILLWAY_DEMO_KEY'

/**
 * The configuration of the demo. Its circuit opens and closes sooner than one for real use: there are few calls, and
 * a demo must not take minutes.
 */
export function demoConfig(claudeUrl: string, modelPath: string): Config {
  const text = stringify({
    targets: {
      claude: {
        api: 'anthropic',
        endpoints: [{ url: claudeUrl, credential: `env:${demoKey}` }],
        timeouts: { firstContent: '1500ms', headers: '1500ms' },
        circuitBreaker: {
          window: '20s',
          minimumCalls: 5,
          failureRate: 0.6,
          openFor: '5s',
          halfOpenProbes: 2,
        },
        // The usual one is meant for trouble that is rarer.
        retry: { budget: 0.5 },
      },
      // Claude Code, which always offers tools, is to be answered too: the model says one sentence to everyone.
      local: { api: 'embedded', model: modelPath, capabilities: { tools: true } },
    },
    routes: [{ models: '*', target: 'claude', fallback: ['local'] }],
    // Claude Code's prompt is long for a model inside this process.
    timeouts: { total: '60s' },
  })
  return parseConfig(text, 'demo').config
}
