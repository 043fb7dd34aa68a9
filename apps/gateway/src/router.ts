import type { Failure, Handler } from '@spillway/middleware'
import { refusalFailure } from '@spillway/wire'
import { globMatcher } from './glob.ts'

/**
 * Finds the route of a call by its model, or says why there is none.
 * @param otherName of the same model, by which a route may serve it too
 */
export type Router = (model: string, otherName?: string) => Route | Failure

/** A route ready for use. */
export interface Route {
  /** A model name; `*` matches any characters. */
  readonly models: string
  readonly handler: Handler
  /** The targets that it may lead to, fallbacks too; undefined where that is not known. */
  readonly targets?: readonly string[] | undefined
  /** Of its calls, where they are less important than their clients say. */
  readonly priority?: number | undefined
}

/** A router over routes; the first that matches the model serves it. */
export function createRouter(routes: readonly Route[]): Router {
  const matchers = routes.map((route) => ({ serves: globMatcher(route.models), route }))
  const patterns = routes.map(({ models }) => models).join(', ')
  return (model, otherName) => {
    const found =
      otherName === undefined
        ? matchers.find(({ serves }) => serves(model))
        : matchers.find(({ serves }) => serves(model) || serves(otherName))
    if (found !== undefined) return found.route
    const message = `model: ${otherName ?? model} (no route serves it; there are routes for ${patterns})`
    return refusalFailure({ kind: 'not_found', message, scope: 'request' })
  }
}
