import type { Api, Failure, Handler } from '@spillway/middleware'
import type { RecognisedCall } from '@spillway/wire'

/** Finds the handler of a call by its model, or says why there is none. */
export type Router = (call: RecognisedCall, model: string) => Handler | Failure

/** A route ready for use: a handler for each protocol that it can be asked in. */
export interface Route {
  /** A model name; `*` stands for any characters. */
  readonly models: string
  readonly handlers: Readonly<Partial<Record<Api, Handler>>>
}

const apiNames: Readonly<Record<Api, string>> = {
  anthropic: 'Anthropic Messages',
  openai: 'OpenAI chat completions',
}

/** A router over routes; the first that matches the model serves it. */
export function createRouter(routes: readonly Route[]): Router {
  const matchers = routes.map(({ models, handlers }) => ({ pattern: globPattern(models), handlers }))
  const patterns = routes.map(({ models }) => models).join(', ')
  return (call, model) => {
    const route = matchers.find(({ pattern }) => pattern.test(model))
    if (route === undefined) {
      return refusal('not_found', `model: ${model} (no route serves it; there are routes for ${patterns})`)
    }
    const handler = route.handlers[call.api]
    if (handler !== undefined) return handler
    return refusal('invalid_request', `no target on the route of ${model} speaks ${apiNames[call.api]}`)
  }
}

function refusal(kind: 'not_found' | 'invalid_request', message: string): Failure {
  return { kind, message, retryable: false, scope: 'request', origin: 'spillway' }
}

function globPattern(glob: string): RegExp {
  const escaped = glob.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${escaped.join('.*')}$`, 's')
}
