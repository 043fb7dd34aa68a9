import { existsSync, readFileSync } from 'node:fs'
import { ageFile, initAgeFile, openVault, type SealedFile, Secret } from '@spillway/key-vault'
import { processEnvironment } from '@spillway/key-vault/internal'
import { type Command, Option } from 'commander'
import type { Config } from '../config/config.ts'
import { ConfigError } from '../config/config-error.ts'
import { parseConfig } from '../config/load-config.ts'
import { usualFile } from './config-file.ts'
import { openOrCreate } from './configured-vault.ts'
import { type Linked, linkTarget } from './link-target.ts'
import { readKey } from './read-secret.ts'
import { replaceFile } from './replace-file.ts'
import { tiers } from './tiers.ts'
import {
  ageFileOf,
  namesVault,
  reporting,
  type VaultFiles,
  type VaultFlags,
  vaultCommand,
} from './vault-files.ts'
import { shownPlaces, type VerifyFlags, verifyAt, verifyPlaces } from './verify-place.ts'

interface LinkFlags extends VaultFlags, VerifyFlags {
  readonly credential: '-'
  readonly config: string
  readonly tier?: keyof typeof tiers
  readonly model?: string
  readonly route?: string
}

/** `spillway link claude --credential - --tier pro` */
export function linkCommand(): Command {
  return vaultCommand('link')
    .argument('<name>', 'the name of the key and of its target')
    .option('--credential <->', 'only -: read it from standard input or a hidden prompt', '-')
    .option('-c, --config <file>', 'the configuration file', usualFile)
    .addOption(new Option('--tier <tier>', 'limits to begin with').choices(Object.keys(tiers)))
    .addOption(
      new Option(
        '--provider <name>',
        "who answers (default: the target's, else whose the form of the key is)",
      ).choices(['anthropic', 'openrouter', 'openai']),
    )
    .option('--url <url>', "the endpoint (default: the target's, else the provider's public one)")
    .option('--model <name>', 'ask for this model on every request; else for the one that the caller names')
    .option('--route <models>', 'serve these models first: a name, or a pattern such as gpt-*')
    .addHelpText(
      'after',
      `
The first target serves every model. A further one is asked where the targets of that route fail, unless --route says
which models it serves itself.`,
    )
    .action((name: string, flags: LinkFlags) => reporting(() => link(name, flags)))
}

/** Everything that can go wrong goes wrong before anything is stored. */
async function link(name: string, given: LinkFlags): Promise<void> {
  const { config: file } = given
  const { vault: ageVaultFile = 'vault.age', keyFile = 'vault.key' } = given
  const flags = { ...given, vault: ageVaultFile, keyFile }
  const fail = (message: string): void => {
    console.error(message)
    process.exitCode = 1
  }
  try {
    const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
    const config = text === '' ? undefined : parseConfig(text, file).config
    const vault = namesVault(given) ? undefined : vaultFor(config, flags)
    const value = await readKey(`key for ${name}`)
    const places = verifyPlaces(config, name, flags, value)
    const linked = linkTarget(text, name, { ...flags, place: places[0] })
    parseConfig(linked.text, file)
    const environment = processEnvironment()
    const verification = await verifyAt(places)(new Secret({ name, version: 1, environment }, value))
    if (!verification.ok)
      return fail(`nothing was stored: ${verification.detail} to this key (${verification.reason})`)
    await store(name, value, vault === undefined ? await ageVault(flags) : await openOrCreate(vault))
    replaceFile(file, linked.text)
    console.log(
      `verified at ${shownPlaces(places)}; the key is in ${vault?.file ?? flags.vault} as "${name}"`,
    )
    for (const line of told(file, name, linked)) console.log(line)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    fail(error.message)
  }
}

function told(file: string, name: string, { route, isServed }: Linked): string[] {
  if (!isServed) {
    const how = `add it as target or fallback there, or link it again with --route 'MODELS'`
    return [`${file} has the target "${name}" now, and no route uses it: ${how}`]
  }
  const path = route === undefined ? '' : `: ${route.models} -> ${route.path.join(' -> ')}`
  return [`${file} uses it${path}`, `try it: spillway start${file === usualFile ? '' : ` --config ${file}`}`]
}

/**
 * The vault that the gateway will read.
 * @throws ConfigError where `--vault-config` names another configuration, and the one that is written has no vault
 */
function vaultFor(config: Config | undefined, { vaultConfig, config: file }: LinkFlags): Config['vault'] {
  if (config?.vault !== undefined || vaultConfig === undefined) return config?.vault
  const message = `this file has no vault, so the gateway would not find the key: take vault over from ${vaultConfig}`
  throw new ConfigError(file, [{ line: 1, column: 1, key: 'vault', message }])
}

async function ageVault(flags: VaultFiles): Promise<SealedFile> {
  const files = ageFileOf(flags)
  return existsSync(files.path) ? ageFile(files) : initAgeFile(files)
}

async function store(name: string, value: string, driver: SealedFile): Promise<void> {
  const vault = openVault({ driver })
  try {
    const { version, state } = await vault.add(name, value)
    if (state === 'next')
      console.log(`${name} was there: v${version} waits; "spillway keys promote ${name}" uses it`)
  } finally {
    await vault.close()
  }
}
