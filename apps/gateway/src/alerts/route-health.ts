import type { FailureKind } from '@spillway/middleware'
import { type Middleware, named } from '@spillway/middleware'
import { followCall } from '@spillway/middleware/kit'
import { isCallerError } from '@spillway/wire'
import type { RouteConfig } from '../config/config.ts'
import { globMatcher } from '../glob.ts'
import type { Incident } from './incident.ts'

/** Calls in a row that no target of a route has answered, before the route counts as down. */
export const downAfter = 3

interface RouteState {
  failures: number
  since: number
  kind: string
}

/** Watches whether routes answer at all: with a fallback that does, a target that fails is no outage. */
export interface RouteHealth {
  /** A call is over; without a failure it was answered. */
  note(model: string, failure: FailureKind | undefined, at: number): void
  incidents(): Incident[]
}

/** Failures that say nothing of a route: the caller's own, what a budget refuses, models that decline, and callers who leave. */
const saysNothing = (kind: FailureKind): boolean =>
  isCallerError({ kind }) || kind === 'budget_exceeded' || kind === 'refusal' || kind === 'cancelled'

/** Hears of each call at its outcome. */
export function observeRoutes(health: Pick<RouteHealth, 'note'>): Middleware {
  const observing: Middleware = (next) => (request) =>
    followCall(request, next, ({ outcome }) => {
      if (outcome !== undefined) health.note(request.model, outcome.failure?.kind, request.clock.epoch())
    })
  return named(observing, 'whether routes answer', { hidden: true })
}

/** @param routes as they are now: the first that matches serves a call */
export function watchRoutes(routes: () => readonly RouteConfig[]): RouteHealth {
  const states = new Map<string, RouteState>()
  const matchers = new Map<string, (model: string) => boolean>()
  const serves = (models: string, model: string): boolean => {
    let matches = matchers.get(models)
    if (matches === undefined) {
      matches = globMatcher(models)
      matchers.set(models, matches)
    }
    return matches(model)
  }
  const forgetOthers = (kept: readonly RouteConfig[]): void => {
    const names = new Set(kept.map(({ models }) => models))
    for (const map of [states, matchers])
      for (const name of map.keys()) if (!names.has(name)) map.delete(name)
  }
  return {
    note(model, failure, at) {
      if (failure !== undefined && saysNothing(failure)) return
      // While all is well there is nothing to look up.
      if (failure === undefined && states.size === 0) return
      const route = routes().find(({ models }) => serves(models, model))
      if (route === undefined) return
      const { models } = route
      if (failure === undefined) return void states.delete(models)
      const state = states.get(models)
      states.set(models, {
        failures: (state?.failures ?? 0) + 1,
        since: state?.since ?? Math.round(at),
        kind: failure,
      })
    },
    incidents() {
      if (states.size === 0) return []
      forgetOthers(routes())
      return [...states].flatMap(([subject, { failures, since, kind }]): Incident[] => {
        if (failures < downAfter) return []
        const message = `no target answers: the last ${failures} calls failed, the newest with ${kind}`
        return [{ kind: 'route_down', severity: 'critical', subject, message, since }]
      })
    },
  }
}
