import { existsSync, readFileSync } from 'node:fs'
import { ageFile, initAgeFile, openVault, processEnvironment, Secret } from '@spillway/key-vault'
import { type Command, Option } from 'commander'
import { type Document, parseDocument } from 'yaml'
import { ConfigError } from '../config/config-error.ts'
import { parseConfig } from '../config/load-config.ts'
import { readKey } from './read-secret.ts'
import { replaceFile } from './replace-file.ts'
import { tiers } from './tiers.ts'
import {
  ageFileOf,
  reporting,
  type VaultFiles,
  type VerifyFlags,
  vaultCommand,
  verifyOf,
} from './vault-files.ts'

interface LinkFlags extends VaultFiles, VerifyFlags {
  readonly credential: '-'
  readonly config: string
  readonly tier?: keyof typeof tiers
}

const publicUrls = {
  anthropic: 'https://api.anthropic.com',
  openrouter: 'https://openrouter.ai/api',
  openai: 'https://api.openai.com',
}

/** `spillway link claude --credential - --tier pro` */
export function linkCommand(): Command {
  return vaultCommand('link')
    .argument('<name>', 'the name of the key and of its target')
    .option('--credential <->', 'only -: read it from standard input or a hidden prompt', '-')
    .option('-c, --config <file>', 'the configuration file', 'spillway.yaml')
    .addOption(new Option('--tier <tier>', 'limits to begin with').choices(Object.keys(tiers)))
    .addOption(
      new Option('--provider <name>', 'who answers')
        .choices(['anthropic', 'openrouter', 'openai'])
        .default('anthropic'),
    )
    .option('--url <url>', "the endpoint; else the provider's public one")
    .action((name: string, flags: LinkFlags) => reporting(() => link(name, flags)))
}

/** Everything that can go wrong goes wrong before anything is stored. */
async function link(name: string, flags: LinkFlags): Promise<void> {
  const { config, provider } = flags
  const fail = (message: string): void => {
    console.error(message)
    process.exitCode = 1
  }
  const text = existsSync(config) ? readFileSync(config, 'utf8') : ''
  let linked: string
  try {
    if (text !== '') parseConfig(text, config)
    linked = withTarget(parseDocument(text), name, flags)
    parseConfig(linked, config)
  } catch (error) {
    if (error instanceof ConfigError) return fail(error.message)
    throw error
  }
  const value = await readKey(`key for ${name}`)
  const environment = processEnvironment()
  const verification = await verifyOf(flags)(new Secret({ name, version: 1, environment }, value))
  if (!verification.ok)
    return fail(`nothing was stored: ${verification.detail} to this key (${verification.reason})`)

  const files = ageFileOf(flags)
  const driver = existsSync(files.path) ? ageFile(files) : await initAgeFile(files)
  const vault = openVault({ driver })
  try {
    const { version, state } = await vault.add(name, value)
    if (state === 'next')
      console.log(`${name} was there: v${version} waits; "spillway keys promote ${name}" uses it`)
  } finally {
    await vault.close()
  }
  replaceFile(config, linked)
  console.log(`${provider} takes the key; it is in ${flags.vault} as "${name}", and ${config} uses it`)
}

/** The configuration with the target, keeping what people wrote into it. */
function withTarget(document: Document, name: string, flags: LinkFlags): string {
  const { provider, tier, vault, keyFile, passphrase } = flags
  if (document.contents === null) document.contents = document.createNode({}) as never
  if (!document.has('vault')) {
    document.set(
      'vault',
      document.createNode({ file: vault, keyFile, ...(passphrase && { kind: 'passphrase' }) }),
    )
  }
  const target = {
    api: provider,
    endpoints: [{ url: flags.url ?? publicUrls[provider], credential: `vault:${name}` }],
    ...(tier !== undefined && { rateLimit: tiers[tier] }),
  }
  document.setIn(['targets', name], document.createNode(target))
  if (!document.has('routes')) document.set('routes', document.createNode([{ models: '*', target: name }]))
  return document.toString()
}
