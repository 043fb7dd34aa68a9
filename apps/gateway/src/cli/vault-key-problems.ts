import { isKeyVaultError } from '@spillway/key-vault'
import type { Config } from '../config/config.ts'
import type { ConfigProblem } from '../config/config-error.ts'
import { howToMend } from '../vault/how-to-add.ts'
import { openConfiguredVault } from '../vault.ts'

type Locate = (path: readonly PropertyKey[], message: string) => ConfigProblem

/** A key that a configuration names, and where. */
interface NamedKey {
  readonly name: string
  readonly path: readonly PropertyKey[]
}

/** What is wrong with the vault of a configuration and with the keys that it takes from there. Shows no value. */
export interface VaultProblems {
  /** What a gateway does not start with. */
  readonly problems: readonly ConfigProblem[]
  /** What it starts with, though some calls fail. */
  readonly warnings: readonly ConfigProblem[]
}

/** The same as a start finds. */
export async function problemsOfVaultKeys(config: Config, at: Locate): Promise<VaultProblems> {
  const named = keysIn(config)
  if (config.vault === undefined) return { problems: [], warnings: [] }
  const vault = openConfiguredVault(config.vault)
  try {
    const stored = await vault.list()
    const usable = new Set(stored.filter(({ state }) => state === 'active').map(({ name }) => name))
    const missing = named.filter(({ name }) => !usable.has(name))
    const told = (keys: readonly NamedKey[]): ConfigProblem[] =>
      keys.map(({ name, path }) =>
        at(path, `the vault has no active key "${name}": ${howToMend(config, name)}`),
      )
    return {
      // Targets whose key is missing leave the others; without these keys nothing starts.
      problems: told(missing.filter(({ path }) => path[0] !== 'targets')),
      warnings: told(missing.filter(({ path }) => path[0] === 'targets')),
    }
  } catch (error) {
    if (!isKeyVaultError(error)) throw error
    const problem = at(['vault'], `the vault cannot be opened: ${error.message}`)
    return config.vault.required === false
      ? { problems: [], warnings: [problem] }
      : { problems: [problem], warnings: [] }
  } finally {
    await vault.close()
  }
}

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
