import { exposureWarning } from '../access/exposure.ts'
import type { Config } from '../config/config.ts'
import { ConfigError, formatProblem } from '../config/config-error.ts'
import { problemsOfModelFiles } from '../config/embedded-problems.ts'
import { loadConfig } from '../config/load-config.ts'
import { safeUrl } from '../safe-url.ts'

/** Checks a configuration file and the model files that it names, and says what it sets up; returns the exit code. */
export async function check(file: string): Promise<number> {
  try {
    const { config, warnings, problemAt } = loadConfig(file)
    const problems = await problemsOfModelFiles(config, problemAt)
    if (problems.length > 0) throw new ConfigError(file, problems)
    for (const warning of warnings) console.error(`warning: ${formatProblem(file, warning)}`)
    const exposed = exposureWarning(config.server)
    if (exposed !== undefined) console.error(`warning: ${exposed}`)
    console.log(describe(config))
    console.log(`${file} is valid`)
    return 0
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    console.error(error.message)
    const { length } = error.problems
    console.error(`${length} ${length === 1 ? 'problem' : 'problems'}`)
    return 1
  }
}

function describe(config: Config): string {
  const targets = Object.entries(config.targets).map(([name, { api, endpoints, model }]) => {
    const where = api === 'embedded' ? model : endpoints?.map(({ url }) => safeUrl(url)).join(', ')
    return `  ${name.padEnd(12)} ${api.padEnd(10)} ${where}`
  })
  const routes = config.routes.map(
    ({ models, target, fallback }) => `  ${models.padEnd(12)} ${[target, ...fallback].join(' -> ')}`,
  )
  return ['targets', ...targets, 'routes', ...routes].join('\n')
}
