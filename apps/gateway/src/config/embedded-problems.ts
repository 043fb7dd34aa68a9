import { checkGguf, isLocalModelError } from '@spillway/local-model'
import type { Config, TargetConfig } from './config.ts'
import type { ConfigProblem } from './config-error.ts'

type Locate = (path: readonly PropertyKey[], message: string) => ConfigProblem

/** What a target with a model on this machine lacks, or sets although it has no effect there. */
export function problemsOfEmbedded(name: string, target: TargetConfig, at: Locate): ConfigProblem[] {
  const { capabilities, timeouts } = target
  const problem = (message: string, ...key: string[]): ConfigProblem => at(['targets', name, ...key], message)
  const found: ConfigProblem[] = []
  if (target.model === undefined)
    found.push(problem('an embedded model needs model: the path of a .gguf file'))
  if (target.endpoints !== undefined) found.push(problem('an embedded model has no endpoints', 'endpoints'))
  if (target.retry !== undefined) {
    const why = 'an embedded model is not retried: it would only have more to do; leave this out'
    found.push(problem(why, 'retry'))
  }
  if (target.routing !== undefined) {
    found.push(problem('an embedded model has no endpoints to choose among; leave this out', 'routing'))
  }
  if (target.openrouter !== undefined) {
    found.push(problem('an embedded model is not asked through OpenRouter; leave this out', 'openrouter'))
  }
  if (timeouts?.connect !== undefined) {
    found.push(problem('an embedded model needs no connection; leave this out', 'timeouts', 'connect'))
  }
  for (const kind of ['images', 'documents'] as const) {
    if (capabilities?.[kind] !== true) continue
    const why = 'an embedded model reads text only; set this to false, or leave it out'
    found.push(problem(why, 'capabilities', kind))
  }
  return found
}

/** What is wrong with the model files that a configuration names. Reads the header of each. */
export async function problemsOfModelFiles({ targets }: Config, at: Locate): Promise<ConfigProblem[]> {
  const problems: ConfigProblem[] = []
  for (const [name, { api, model }] of Object.entries(targets)) {
    if (api !== 'embedded' || model === undefined) continue
    try {
      await checkGguf(model)
    } catch (error) {
      if (!isLocalModelError(error)) throw error
      problems.push(at(['targets', name, 'model'], error.message))
    }
  }
  return problems
}
