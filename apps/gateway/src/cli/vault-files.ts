import {
  type AgeFileOptions,
  ageFile,
  isKeyVaultError,
  openVault,
  type SealedFile,
  type Vault,
} from '@spillway/key-vault'
import { Command } from 'commander'
import { ConfigError } from '../config/config-error.ts'
import { configFileOf, usualFile } from './config-file.ts'
import { exitCodes } from './exit-codes.ts'
import { Interrupted } from './read-secret.ts'

/** Where a command finds the vault. */
export interface VaultFiles {
  readonly vault: string
  readonly keyFile: string
  readonly passphrase?: boolean
  readonly vaultConfig?: string
}

/** A command that works on a vault. */
export function vaultCommand(usage: string, description = ''): Command {
  return new Command(usage)
    .description(description)
    .option('--vault <file>', `the vault (default: that of ${usualFile}, else vault.age)`)
    .option('--key-file <file>', 'the file with its age identity or passphrase (default: vault.key)')
    .option('--passphrase', 'the key file holds a passphrase, not an identity')
    .option(
      '--vault-config <file>',
      'a configuration file whose vault it is, of any kind; instead of the above',
    )
    .showHelpAfterError('(--help says more)')
}

/** What the command line says of the vault; each part may be left out. */
export type VaultFlags = Partial<Omit<VaultFiles, 'vaultConfig'>> & Pick<VaultFiles, 'vaultConfig'>

/** Whether the command line says which vault is meant, without a configuration. */
export const namesVault = ({ vault, keyFile, passphrase }: VaultFlags): boolean =>
  vault !== undefined || keyFile !== undefined || passphrase === true

/**
 * The vault that a command means: that of the command line, else that of the configuration that it names, else that of the
 * usual configuration of this folder where that has one.
 * @param config the configuration that the command works on, where it names one
 */
export async function vaultFilesOf<T extends VaultFlags>(flags: T, config?: string): Promise<T & VaultFiles> {
  const { vault = 'vault.age', keyFile = 'vault.key' } = flags
  const files = { ...flags, vault, keyFile }
  if (namesVault(flags) || flags.vaultConfig !== undefined) return files
  const file = configFileOf(config)
  if (file === undefined) return files
  const { loadConfig } = await import('../config/load-config.ts')
  return loadConfig(file).config.vault === undefined ? files : { ...files, vaultConfig: file }
}

export function ageFileOf({ vault, keyFile, passphrase }: VaultFiles): AgeFileOptions {
  return { path: vault, keyFile, kind: passphrase ? 'passphrase' : 'identity' }
}

async function driverOf(files: VaultFiles): Promise<SealedFile> {
  if (files.vaultConfig === undefined) return ageFile(ageFileOf(files))
  return (await import('./configured-vault.ts')).configuredDriver(files.vaultConfig)
}

/** Runs `work` with the vault open; what is wrong with it is a line, not a trace. Sets the exit code. */
export async function withVault(
  flags: VaultFlags & { readonly config?: string },
  work: (vault: Vault) => Promise<void>,
): Promise<void> {
  await reporting(async () => {
    const vault = openVault({ driver: await driverOf(await vaultFilesOf(flags, flags.config)) })
    try {
      await work(vault)
    } finally {
      await vault.close()
    }
  })
}

/** An error whose message says all there is to say. */
const isForPeople = (error: unknown): error is Error =>
  error instanceof Error && (error as { isForPeople?: boolean }).isForPeople === true

/** Runs `work`; an error of the vault or of the configuration becomes a line on standard error, and the exit code 1. */
export async function reporting(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (error instanceof Interrupted) {
      process.exitCode = exitCodes.interrupted
      return
    }
    if (isKeyVaultError(error)) console.error(`${error.code}: ${error.message}`)
    else if (error instanceof ConfigError || isForPeople(error)) console.error(error.message)
    else throw error
    process.exitCode = 1
  }
}
