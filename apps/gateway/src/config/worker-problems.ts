import { statSync } from 'node:fs'
import { workerCount } from '../workers/worker-count.ts'
import type { Config } from './config.ts'
import type { ConfigProblem } from './config-error.ts'

/** What several workers cost that one does not. */
export function warningsOfWorkers(
  config: Config,
  at: (path: readonly PropertyKey[], message: string) => ConfigProblem,
): ConfigProblem[] {
  const count = workerCount(config)
  if (count === 1) return []
  return Object.entries(config.targets).flatMap(([name, { api, model }]) => {
    if (api !== 'embedded' || model === undefined) return []
    const bytes = statSync(model, { throwIfNoEntry: false })?.size
    const memory = bytes === undefined ? '' : `, ${inGigabytes(count * bytes)} of memory and more in all`
    const message = `each of ${count} workers loads this model by itself${memory}: set server.workers: 1, or have a server such as Ollama run it for all`
    return [at(['targets', name, 'model'], message)]
  })
}

const inGigabytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`
