import { errorAnswer } from './answer.ts'
import { claudeSite, type FirstPartyOptions } from './claude-site.ts'
import { type GoogleAccess, googleAnswer, googleProblem } from './google-access.ts'
import { type SimulatedServer, startServer } from './simulated-server.ts'

/** Options of {@link startClaudeGoogle}. */
export interface ClaudeGoogleOptions extends FirstPartyOptions, GoogleAccess {
  /** The workspaces that exist. @default any */
  readonly workspaces?: readonly string[]
}

const path = /^\/v1\/projects\/([^/]+)\/locations\/([^/]+)\/workspaces\/([^/]+)\/invoke(?=\/)/

/**
 * Starts a server that speaks Claude's whole first-party API as the Claude that Anthropic runs on Google Cloud does, under
 * `/v1/projects/{p}/locations/{l}/workspaces/{w}/invoke`, for access tokens of Google.
 */
export function startClaudeGoogle(options: ClaudeGoogleOptions = {}): Promise<SimulatedServer> {
  const site = claudeSite(options, {
    prefix: path,
    refused(call, dialect) {
      const [, project = '', location = '', workspace = ''] = path.exec(call.request.path) ?? []
      const problem = googleProblem(call, options, project, location)
      if (problem !== undefined) return googleAnswer(dialect, call, problem)
      if (options.locations !== undefined && !options.locations.includes(location))
        return googleAnswer(dialect, call, { status: 404, message: `Location ${location} was not found.` })
      if (options.workspaces === undefined || options.workspaces.includes(workspace)) return undefined
      return errorAnswer(dialect, call, { status: 404, message: `Workspace ${workspace} not found` })
    },
  })
  return startServer(site, options)
}
