import { existsSync } from 'node:fs'
import { type ageFile, initAgeFile, rekeyAgeFile, type SealedFile } from '@spillway/key-vault'
import type { VaultConfig } from '../config/config.ts'
import { ConfigError } from '../config/config-error.ts'
import { loadConfig } from '../config/load-config.ts'
import { vaultDriver } from '../vault.ts'
import { readSecret } from './read-secret.ts'

/**
 * The vault of a configuration file, of whatever kind.
 * @throws ConfigError where the file is wrong, or has none
 */
export function configuredDriver(file: string): SealedFile {
  return vaultDriver(vaultOf(file))
}

/** Makes an empty vault where the configuration says, and a key file where it names one that is not there. */
export async function initConfigured(file: string): Promise<void> {
  const vault = vaultOf(file)
  const { keyFile, kind } = vault
  await createVault(vault)
  console.log(`made ${vault.file}, which ${keyFile ?? `its ${kind}`} opens`)
}

async function createVault(vault: VaultConfig): Promise<SealedFile> {
  const { keyFile, kind } = vault
  if (keyFile !== undefined) return initAgeFile(ageOptions(vault, keyFile), await passphraseFor(kind))
  const driver = vaultDriver(vault)
  await driver.create()
  return driver
}

/** The vault of a configuration; made where it is not there. */
export async function openOrCreate(vault: VaultConfig): Promise<SealedFile> {
  return existsSync(vault.file) ? vaultDriver(vault) : createVault(vault)
}

/** A new identity or passphrase where a key file has it; else what is there is sealed again, by KMS with a new data key. */
export async function resealConfigured(file: string): Promise<void> {
  const vault = vaultOf(file)
  const { keyFile, kind } = vault
  if (keyFile === undefined) await vaultDriver(vault).reseal()
  else await rekeyAgeFile(ageOptions(vault, keyFile), await passphraseFor(kind))
  console.log(`${vault.file} is sealed again`)
}

const passphraseFor = async (kind: VaultConfig['kind']): Promise<string | undefined> =>
  kind === 'passphrase' ? readSecret('new passphrase') : undefined

function ageOptions({ file, kind, context, workFactor }: VaultConfig, keyFile: string) {
  const sealing = { kind: kind === 'passphrase' ? 'passphrase' : 'identity' } as const
  const optional = { ...(context && { context }), ...(workFactor !== undefined && { workFactor }) }
  return { path: file, keyFile, ...sealing, ...optional } satisfies Parameters<typeof ageFile>[0]
}

function vaultOf(file: string): VaultConfig {
  const { config, problemAt } = loadConfig(file)
  if (config.vault !== undefined) return config.vault
  throw new ConfigError(file, [
    problemAt(['vault'], 'this file has no vault: add one, or name it with --vault'),
  ])
}
