import { errorAnswer } from './answer.ts'
import { refusedKey } from './anthropic-validation.ts'
import { claudeSite, type FirstPartyOptions } from './claude-site.ts'
import { type SimulatedServer, startServer } from './simulated-server.ts'

/** Options of {@link startClaude}. */
export interface ClaudeOptions extends FirstPartyOptions {
  /** The keys that are let in. @default any key, but there must be one */
  readonly apiKeys?: readonly string[]
}

/** Starts a server that speaks Anthropic's Messages API. */
export function startClaude(options: ClaudeOptions = {}): Promise<SimulatedServer> {
  const site = claudeSite(options, {
    refused(call, dialect) {
      const refused = refusedKey(call, options.apiKeys)
      return refused && errorAnswer(dialect, call, refused)
    },
  })
  return startServer(site, options)
}
