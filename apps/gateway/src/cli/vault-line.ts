import type { VaultEvent } from '@spillway/key-vault'

/** One line for one event of the vault: its type, and what it says. */
export function vaultLine({ type, ...facts }: VaultEvent): string {
  const said = Object.entries(facts).map(([name, value]) => `${name}: ${String(value)}`)
  return ['vault', type, ...said].join('  ')
}
