import type { Target } from '@spillway/attempt'
import type { Middleware } from '@spillway/middleware'
import { dialectOfUrl, translate } from '@spillway/translation'
import type { TargetConfig } from './config/config.ts'

/** Whether all servers of a target have the Responses API themselves. */
export function speaksResponses({ api, responses, dialect, endpoints = [] }: TargetConfig): boolean {
  if (api !== 'openai') return false
  if (responses !== undefined) return responses !== false
  return endpoints.every(({ url = '' }) => (dialect ?? dialectOfUrl(url)) === 'openai')
}

/** What a route does with callers of the Responses API. */
export interface ResponsesCallers {
  /** The middleware before all targets. */
  readonly outermost: readonly Middleware[]
  readonly others: readonly Target[]
}

/**
 * Callers of the Responses API are callers of chat completions on their way, with all that these have. Where the first target has the
 * API itself they reach it byte for byte, and are translated for each of the others that has not; so is what goes on with a stream
 * that breaks off.
 */
export function responsesCallers(
  targets: Readonly<Record<string, TargetConfig>>,
  first: string,
  others: readonly Target[],
): ResponsesCallers {
  const asChats = translate({ from: 'responses', to: 'openai' })
  const isNative = (name: string): boolean => {
    const settings = targets[name]
    return settings !== undefined && speaksResponses(settings)
  }
  if (!isNative(first)) return { outermost: [asChats], others }
  return {
    outermost: [],
    others: others.map((target) =>
      isNative(target.name) ? target : { ...target, handler: asChats(target.handler) },
    ),
  }
}
