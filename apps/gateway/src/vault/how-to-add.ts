import type { Config, VaultConfig } from '../config/config.ts'

/** The command that adds a key to a configured vault. */
export function howToAdd(vault: VaultConfig | undefined, name: string): string {
  const { file, keyFile } = vault ?? {}
  const flags = keyFile === undefined ? ' --vault-config FILE' : ` --vault ${file} --key-file ${keyFile}`
  return `spillway keys add ${name}${flags}`
}

/** What to do about `vault:NAME` that has no active key. */
export const howToMend = (config: Config, reference: string): string =>
  `add it with "${howToAdd(config.vault, reference.replace(/^vault:/, ''))}"`
