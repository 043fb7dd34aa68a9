import { isKeyVaultError } from '@spillway/key-vault'
import type { Config } from '../config/config.ts'
import type { ConfigProblem } from '../config/config-error.ts'
import { howToAdd, openConfiguredVault } from '../vault.ts'

type Locate = (path: readonly PropertyKey[], message: string) => ConfigProblem

/** A key that a configuration names, and where. */
interface NamedKey {
  readonly name: string
  readonly path: readonly PropertyKey[]
}

/** Keys that a configuration takes from its vault and that are not in it, or a vault that cannot be opened. Shows no value. */
export async function problemsOfVaultKeys(config: Config, at: Locate): Promise<ConfigProblem[]> {
  const named = keysIn(config)
  if (config.vault === undefined || named.length === 0) return []
  const vault = openConfiguredVault(config.vault)
  try {
    const stored = await vault.list()
    const usable = new Set(stored.filter(({ state }) => state === 'active').map(({ name }) => name))
    return named
      .filter(({ name }) => !usable.has(name))
      .map(({ name, path }) => at(path, `the vault has no active key "${name}": ${mend(config, name)}`))
  } catch (error) {
    if (!isKeyVaultError(error)) throw error
    return [at(['vault'], `the vault cannot be opened: ${error.message}`)]
  } finally {
    await vault.close()
  }
}

const mend = (config: Config, name: string): string => `add it with "${howToAdd(config.vault, name)}"`

function keysIn(config: Config): NamedKey[] {
  const found: NamedKey[] = []
  const note = (reference: string | undefined, ...path: PropertyKey[]): void => {
    if (reference?.startsWith('vault:')) found.push({ name: reference.slice('vault:'.length), path })
  }
  for (const [target, { endpoints = [] }] of Object.entries(config.targets))
    for (const [index, { credential }] of endpoints.entries())
      note(credential, 'targets', target, 'endpoints', index, 'credential')
  note(config.server.fingerprintKey, 'server', 'fingerprintKey')
  const { auditKey } = config.storage ?? {}
  for (const reference of [auditKey ?? []].flat()) note(reference, 'storage', 'auditKey')
  return found
}
