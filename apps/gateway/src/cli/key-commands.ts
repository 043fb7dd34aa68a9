import { shellExport, type Vault, type VersionInfo } from '@spillway/key-vault'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { Config } from '../config/config.ts'
import { configFileOf, usualFile } from './config-file.ts'
import { noteAct } from './note-act.ts'
import { readKey } from './read-secret.ts'
import { tableLines } from './table.ts'
import { type VaultFlags, vaultCommand, withVault } from './vault-files.ts'
import { shownPlaces, type VerifyFlags, verifyAt, verifyPlaces } from './verify-place.ts'

const provider = (): Option =>
  new Option('--provider <name>', 'who verifies the key (default: as the configuration says)').choices([
    'anthropic',
    'openrouter',
    'openai',
  ])

/** `spillway keys …` */
export function keyCommands(): Command {
  const group = new Command('keys')
  group.addCommand(
    vaultCommand('list', 'list versions; never a value')
      .option('--json', 'print them as JSON')
      .action((files: VaultFlags & { readonly json?: boolean }) =>
        withVault(files, async (vault) => {
          const versions = await vault.list()
          if (files.json) return console.log(JSON.stringify(versions, null, 2))
          for (const line of table(versions, Date.now())) console.log(line)
        }),
      ),
  )
  group.addCommand(
    vaultCommand('add', 'add a key, read from standard input or a hidden prompt')
      .argument('<name>')
      .action((name: string, files: VaultFlags) =>
        withVault(files, async (vault) =>
          tell('added', await vault.add(name, await readKey(`key for ${name}`)), vault),
        ),
      ),
  )
  group.addCommand(
    vaultCommand('rotate', 'verify a new key with a real call, and make it the active one')
      .argument('<name>')
      .addOption(provider())
      .option('--url <url>', 'the endpoint that verifies it (default: as the configuration says)')
      .option(
        '-c, --config <file>',
        `the configuration that uses it (default: ${usualFile} where there is one)`,
      )
      .action((name: string, options: VaultFlags & VerifyFlags & { readonly config?: string }) =>
        withVault(options, async (vault) => {
          const config = await configOf(options.config)
          const value = await readKey(`new key for ${name}`)
          const places = verifyPlaces(config, name, options, value)
          const report = await vault.rotate(name, value, { verify: verifyAt(places), drain: false })
          const { outcome, version: number } = report
          await noteAct('key.rotated', { subject: `${name} v${number}`, outcome }, vault)
          if (outcome === 'completed') {
            console.log(
              `${name} v${report.version} is active, verified at ${shownPlaces(places)}; v${report.previous ?? '-'} stays usable until its grace is over`,
            )
          } else {
            console.error(`${name} v${report.version} was rolled back (${report.reason}): ${report.detail}`)
            process.exitCode = 1
          }
        }),
      ),
  )
  group.addCommand(
    vaultCommand('promote', 'make the version that waits the active one, unverified')
      .argument('<name>')
      .argument('[version]', 'the version that must be waiting', version)
      .action((name: string, which: number | undefined, files: VaultFlags) =>
        withVault(files, async (vault) => tell('promoted', await vault.promote(name, which), vault)),
      ),
  )
  group.addCommand(
    vaultCommand('revoke', "take a version's value away for good")
      .argument('<name>')
      .argument('<version>', 'its number', version)
      .action((name: string, which: number, files: VaultFlags) =>
        withVault(files, async (vault) => tell('revoked', await vault.revoke(name, which), vault)),
      ),
  )
  group.addCommand(
    vaultCommand('export', 'print an active key as a line for a shell: this shows it')
      .argument('<name>')
      .requiredOption('--env <variable>', 'the environment variable to set', variable)
      .action((name: string, options: VaultFlags & { env: string }) =>
        withVault(options, async (vault) => {
          await noteAct('key.exported', { subject: name }, vault)
          process.stdout.write(shellExport({ [options.env]: await vault.get(name) }))
        }),
      ),
  )
  return group
}

/** What a command that works on a vault needs to know of the configuration; loaded by the few that ask. */
async function configOf(named: string | undefined): Promise<Config | undefined> {
  const file = configFileOf(named)
  if (file === undefined) return undefined
  const { loadConfig } = await import('../config/load-config.ts')
  return loadConfig(file).config
}

async function tell(
  act: string,
  { name, version: number, state, fingerprint }: VersionInfo,
  vault: Vault,
): Promise<void> {
  console.log(`${name} v${number} is ${state} (${fingerprint})`)
  await noteAct(`key.${act}`, { subject: `${name} v${number}`, fingerprint }, vault)
}

function table(versions: readonly VersionInfo[], now: number): string[] {
  const rows = versions.map(
    ({ name, version: number, state, environment, createdAt, lastUsedAt, fingerprint }) => [
      name,
      `v${number}`,
      state,
      environment,
      age(now - createdAt),
      lastUsedAt === undefined ? 'never' : `${age(now - lastUsedAt)} ago`,
      fingerprint,
    ],
  )
  return tableLines([['NAME', 'VERSION', 'STATE', 'ENVIRONMENT', 'AGE', 'LAST USE', 'FINGERPRINT'], ...rows])
}

function age(ms: number): string {
  const minutes = Math.max(0, Math.floor(ms / 60_000))
  if (minutes < 60) return `${minutes}m`
  return minutes < 2880 ? `${Math.floor(minutes / 60)}h` : `${Math.floor(minutes / 1440)}d`
}

function version(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('expected the number of a version.')
  return Number(text)
}

function variable(text: string): string {
  if (!/^[A-Za-z_]\w*$/.test(text))
    throw new InvalidArgumentError('expected the name of an environment variable.')
  return text
}
