import { publishedModels, refusalFallback } from '@spillway/circuit-breaker-fallback'
import { type Failure, type Middleware, useModel } from '@spillway/middleware'
import { translate } from '@spillway/translation'
import { isCallerError } from '@spillway/wire'
import type { Config, ModelRefusalConfig, TargetConfig } from './config/config.ts'
import { omitUndefined } from './config/omit-undefined.ts'
import type { RunningEndpoint } from './endpoint.ts'
import { globMatcher } from './glob.ts'
import { asksOtherModels } from './target-model.ts'

/**
 * Other models of a target for those of its that decline, where the configuration wants it. A `model` of the target is the one
 * that declines: it is set out here, since the next one has to reach the endpoint. Callers of another protocol are translated
 * out here too, so that seams and credits are there for them.
 */
export function modelRefusalsOf(
  config: Config,
  settings: TargetConfig,
  endpoints: readonly RunningEndpoint[],
): Middleware[] {
  const wanted = config.fallback?.refusal
  if (wanted === undefined || !asksOtherModels(config, settings)) return []
  const { credit, stayFor } = wanted
  const read = endpoints.find((endpoint) => endpoint.read !== undefined)?.read
  const permitted = read === undefined ? undefined : publishedModels({ read })
  const models = modelsOf(wanted) ?? (permitted === undefined ? [] : undefined)
  const options = omitUndefined({ models, permitted, credit, stayFor })
  const named = settings.model === undefined ? [] : [useModel(settings.model)]
  return [...named, translate({ to: 'anthropic' }), refusalFallback(options)]
}

/** What a route's other targets are asked for, where the configuration says something of it. */
export function whenRefused({ fallback }: Config): { readonly when?: (failure: Failure) => boolean } {
  if (fallback?.refusal?.otherTargets !== true) return {}
  return { when: (failure) => failure.kind === 'refusal' || !isCallerError(failure) }
}

type Models = readonly string[] | ((model: string) => readonly string[] | undefined)

function modelsOf({ models }: ModelRefusalConfig): Models | undefined {
  if (models === undefined || isList(models)) return models
  const patterns = Object.entries(models).map(([glob, list]) => ({ matches: globMatcher(glob), list }))
  return (model) => patterns.find(({ matches }) => matches(model))?.list ?? []
}

function isList(models: NonNullable<ModelRefusalConfig['models']>): models is readonly string[] {
  return Array.isArray(models)
}
