import type { Failure, Handler } from '@spillway/middleware'
import { refusalFailure } from '@spillway/wire'
import { globMatcher } from './glob.ts'

/** Finds the handler of a call by its model, or says why there is none. */
export type Router = (model: string) => Handler | Failure

/** A route ready for use. */
export interface Route {
  /** A model name; `*` stands for any characters. */
  readonly models: string
  readonly handler: Handler
}

/** A router over routes; the first that matches the model serves it. */
export function createRouter(routes: readonly Route[]): Router {
  const matchers = routes.map(({ models, handler }) => ({ serves: globMatcher(models), handler }))
  const patterns = routes.map(({ models }) => models).join(', ')
  return (model) => {
    const route = matchers.find(({ serves }) => serves(model))
    if (route !== undefined) return route.handler
    const message = `model: ${model} (no route serves it; there are routes for ${patterns})`
    return refusalFailure({ kind: 'not_found', message, scope: 'request' })
  }
}
