import { errorAnswer } from './answer.ts'
import { type AwsAccess, awsHeaders, refusedByAws } from './aws-access.ts'
import { claudeSite, type FirstPartyOptions } from './claude-site.ts'
import { type SimulatedServer, startServer } from './simulated-server.ts'

/** Options of {@link startClaudeAws}. */
export interface ClaudeAwsOptions extends FirstPartyOptions, AwsAccess {
  /** The workspaces that requests may name in `anthropic-workspace-id`. @default any, but there must be one */
  readonly workspaces?: readonly string[]
  /** Whether the spend limit of the organisation is reached, which Claude says with 400. @default false */
  readonly spendLimitReached?: boolean | (() => boolean)
}

/**
 * Starts a server that speaks Claude's whole first-party API as the Claude Platform on AWS does: for signatures of the service
 * `aws-external-anthropic` and API keys, in a workspace.
 */
export function startClaudeAws(options: ClaudeAwsOptions = {}): Promise<SimulatedServer> {
  const { workspaces, spendLimitReached } = options
  const site = claudeSite(options, {
    headers: (call) => awsHeaders(call, options),
    refused(call, dialect) {
      const refused = refusedByAws(call, dialect, 'aws-external-anthropic', options)
      if (refused !== undefined) return refused
      const workspace = call.request.headers['anthropic-workspace-id']
      if (!workspace) {
        return errorAnswer(dialect, call, {
          status: 400,
          message: 'anthropic-workspace-id: header is required',
        })
      }
      if (workspaces === undefined || workspaces.includes(workspace)) return undefined
      return errorAnswer(dialect, call, { status: 404, message: `Workspace ${workspace} not found` })
    },
    refusedRequest() {
      const isReached = typeof spendLimitReached === 'function' ? spendLimitReached() : spendLimitReached
      return isReached ? { status: 400, message: spendLimit } : undefined
    },
  })
  return startServer(site, options)
}

/** What Claude says where the limit of an organisation or a workspace is reached. */
export const spendLimit: string =
  'You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.'
