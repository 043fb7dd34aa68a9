import { Command } from 'commander'
import { ConfigError, type ConfigProblem, formatProblem } from '../config/config-error.ts'
import { type LoadedConfig, loadConfig } from '../config/load-config.ts'
import { examineEndpoints } from '../doctor/endpoints.ts'
import { type Finding, findingLines, ok, problem, warning } from '../doctor/finding.ts'
import { examineDisk, examineModels, examinePort, examineRedis, examineStorage } from '../doctor/machine.ts'
import { openConfiguredVault } from '../vault.ts'
import { configFileOf, noConfigFile } from './config-file.ts'
import { problemsOfVaultKeys } from './vault-key-problems.ts'

interface DoctorOptions {
  readonly config?: string
  readonly json?: boolean
}

/** `spillway doctor` */
export function doctorCommand(): Command {
  return new Command('doctor')
    .option('-c, --config <file>', 'the configuration file (default: spillway.yaml)')
    .option('--json', 'print the findings as JSON')
    .addHelpText(
      'after',
      `
Asks each endpoint with its own key something that costs nothing (its list of models, or what it says of the key), loads
the models of embedded targets, and looks at Redis, the database, disk and port. Prints no key.

Exit codes:
  0    nothing is wrong; there may be warnings
  1    something is: each finding says what to do`,
    )
    .action(async (options: DoctorOptions) => {
      const tell = options.json ? () => {} : (finding: Finding) => console.log(findingLines(finding))
      const findings = await examineAll(options.config, tell)
      const count = (level: Finding['level']): number =>
        findings.filter((each) => each.level === level).length
      const isWell = count('error') === 0
      if (options.json) console.log(JSON.stringify({ ok: isWell, findings }, null, 2))
      else console.log(`\n${count('error')} wrong, ${count('warning')} doubtful, ${count('ok')} well`)
      process.exitCode = isWell ? 0 : 1
    })
}

async function examineAll(named: string | undefined, tell: (finding: Finding) => void): Promise<Finding[]> {
  const findings: Finding[] = []
  const note = (found: Finding | readonly Finding[]): void => {
    for (const finding of [found].flat() as Finding[]) {
      findings.push(finding)
      tell(finding)
    }
  }
  note(ok('versions', `Node.js ${process.versions.node} on ${process.platform}-${process.arch}`))
  const file = configFileOf(named)
  const loaded = file === undefined ? undefined : read(file, note)
  if (file === undefined) note(problem('configuration', 'there is none', noConfigFile))
  if (loaded === undefined) return findings
  const { config } = loaded
  const vault = await problemsOfVaultKeys(config, loaded.problemAt)
  for (const each of [...vault.problems, ...vault.warnings]) {
    if (!isOfEndpoint(each))
      note(problem('vault', formatProblem(file ?? '', each), 'see "spillway vault doctor"'))
  }
  note(await examineOnline(loaded))
  if (config.server.oidc !== undefined) {
    const { examineIdentityProvider } = await import('../doctor/identity-provider.ts')
    note(await examineIdentityProvider(config.server.oidc))
  }
  note(await examineModels(config))
  note(await examineRedis(config))
  const stored = await examineStorage(config)
  note(stored)
  if (!stored.some(({ subject }) => subject === 'disk')) note(await examineDisk('.'))
  note(await examinePort(config))
  return findings
}

/** Whether it is about the key of an endpoint, which each endpoint's own finding says, with what to do. */
const isOfEndpoint = ({ key }: ConfigProblem): boolean => /^targets\..*\.credential$/.test(key)

/** What only a call to the endpoints shows. */
export async function examineOnline({ config }: LoadedConfig): Promise<Finding[]> {
  const vault = config.vault && openConfiguredVault(config.vault)
  try {
    return await examineEndpoints(config, vault)
  } finally {
    await vault?.close()
  }
}

function read(file: string, note: (found: Finding) => void): LoadedConfig | undefined {
  try {
    const loaded = loadConfig(file)
    note(ok('configuration', `${file} is valid`))
    for (const each of loaded.warnings) {
      if (!isOfEndpoint(each))
        note(
          warning('configuration', formatProblem(file, each), 'mend it there, or leave it where it is meant'),
        )
    }
    return loaded
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    for (const each of error.problems)
      note(problem('configuration', formatProblem(file, each), 'mend it there'))
    return undefined
  }
}
