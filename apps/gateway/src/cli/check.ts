import { exposureWarning } from '../access/exposure.ts'
import { ConfigError, type ConfigProblem, formatProblem } from '../config/config-error.ts'
import { problemsOfModelFiles } from '../config/embedded-problems.ts'
import { type LoadedConfig, loadConfig } from '../config/load-config.ts'
import { configFileOf, noConfigFile } from './config-file.ts'
import { describeChains, describeConfig, describeDashboard } from './describe.ts'
import { problemsOfVaultKeys } from './vault-key-problems.ts'

export interface CheckOptions {
  readonly config?: string
  readonly strict?: boolean
  readonly online?: boolean
  /** Whether the chain of each route is printed in whole. */
  readonly chains?: boolean
  readonly json?: boolean
}

/** What `check` has found. */
interface Findings {
  readonly file: string
  /** Undefined where the file cannot be used. */
  readonly loaded: LoadedConfig | undefined
  readonly problems: readonly ConfigProblem[]
  readonly warnings: readonly ConfigProblem[]
}

/**
 * Checks a configuration file, the model files and the keys that it names, and says what it sets up; returns the exit code.
 * With `strict` a warning counts as a problem.
 */
export async function check({ config: named, strict, json, online, chains }: CheckOptions): Promise<number> {
  const file = configFileOf(named)
  if (file === undefined) {
    console.error(noConfigFile)
    return 1
  }
  const findings = await findingsOf(file, online ?? false)
  const { problems, warnings, loaded } = findings
  const isValid = problems.length === 0 && !(strict && warnings.length > 0)
  if (json) console.log(JSON.stringify({ file, valid: isValid, problems, warnings }, null, 2))
  else {
    const isUsable = loaded !== undefined && problems.length === 0
    const routes = isUsable ? await chainsOf(loaded.config, chains ?? false) : ''
    tell(findings, routes, isUsable, isValid)
  }
  return isValid ? 0 : 1
}

async function findingsOf(file: string, isOnline: boolean): Promise<Findings> {
  try {
    const loaded = loadConfig(file)
    const { config, warnings, problemAt } = loaded
    const vault = await problemsOfVaultKeys(config, problemAt)
    const [unsigned, others] = partition(warnings, ({ stopsStart }) => stopsStart === true)
    const online = isOnline ? await askEndpoints(loaded) : { problems: [], warnings: [] }
    return {
      ...{ file, loaded },
      problems: [
        ...(await problemsOfModelFiles(config, problemAt)),
        ...unsigned,
        ...vault.problems,
        ...online.problems,
      ],
      warnings: [...others, ...exposed(loaded), ...vault.warnings, ...online.warnings],
    }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { file, loaded: undefined, problems: error.problems, warnings: [] }
  }
}

function partition<T>(all: readonly T[], isFirst: (each: T) => boolean): [T[], T[]] {
  return [all.filter(isFirst), all.filter((each) => !isFirst(each))]
}

/** What a call to each endpoint with its own key shows. */
async function askEndpoints(loaded: LoadedConfig): Promise<Pick<Findings, 'problems' | 'warnings'>> {
  const { examineOnline } = await import('./doctor.ts')
  const findings = await examineOnline(loaded)
  const of = (level: 'warning' | 'error'): ConfigProblem[] =>
    findings
      .filter((each) => each.level === level)
      .map(({ subject, message, mend = '' }) =>
        loaded.problemAt(['targets', subject.slice(0, subject.lastIndexOf('/'))], `${message}; ${mend}`),
      )
  return { problems: of('error'), warnings: of('warning') }
}

function exposed({ config, problemAt }: LoadedConfig): ConfigProblem[] {
  const warning = exposureWarning(config.server)
  return warning === undefined ? [] : [problemAt(['server', 'host'], warning)]
}

/** The chain of each route, as a gateway would have it. */
async function chainsOf(config: LoadedConfig['config'], isWhole: boolean): Promise<string> {
  const [{ withChains }, { describe }, { describeShort }] = await Promise.all([
    import('../chains.ts'),
    import('@spillway/middleware'),
    import('@spillway/middleware/kit'),
  ])
  return withChains(config, (routes) => describeChains(routes, isWhole ? describe : describeShort, isWhole))
}

function tell(
  { file, loaded, problems, warnings }: Findings,
  chains: string,
  isUsable: boolean,
  isValid: boolean,
): void {
  for (const problem of problems) console.error(formatProblem(file, problem))
  for (const warning of warnings) console.error(`warning: ${formatProblem(file, warning)}`)
  if (isUsable && loaded !== undefined)
    console.log(`${describeConfig(loaded.config)}\n${chains}\n${describeDashboard(loaded.config)}`)
  if (isValid)
    console.log(`${file} is valid${warnings.length === 0 ? '' : `, with ${counted(warnings, 'warning')}`}`)
  else
    console.error(
      counted(problems.length === 0 ? warnings : problems, problems.length === 0 ? 'warning' : 'problem'),
    )
}

const counted = ({ length }: { readonly length: number }, what: string): string =>
  `${length} ${what}${length === 1 ? '' : 's'}`
