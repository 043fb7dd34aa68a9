import type { Vault } from '@spillway/key-vault'
import type { Clock } from '@spillway/middleware'
import { backgroundClock, type CancelTimer } from '@spillway/middleware/kit'
import type { Config } from '../config/config.ts'
import { watchClouds } from './cloud-credentials.ts'
import {
  type CredentialReport,
  cannotOpen,
  reportCredentials,
  type UnusableCredential,
} from './credential-report.ts'
import { inShort } from './in-short.ts'

/** Looks again and again whether the credentials of a gateway can be used. */
export interface CredentialWatch {
  /** For `/readyz`: nothing of what is well. */
  state(): Readonly<Record<string, string>>
  /** Goes on with another configuration. */
  use(config: Config): Promise<void>
  close(): void
}

/** In milliseconds. Reads memory where the vault has been opened. */
const lookEvery = 10_000

/**
 * Watches the credentials that a configuration names.
 * @param log told of each that cannot be used, once, and when it can be used again
 * @param describe what is said of a credential of the vault that cannot be used
 * @throws Error where the vault cannot be opened and must be
 */
export async function watchCredentials(
  config: Config,
  vault: Vault | undefined,
  log: (line: string) => void,
  describe: (credential: UnusableCredential) => string = usualWords,
  clock: Clock = backgroundClock,
): Promise<CredentialWatch> {
  let current = config
  const clouds = watchClouds()
  let report: CredentialReport = { vault: undefined, unusable: [] }
  let isClosed = false
  let cancel: CancelTimer = () => {}
  const look = async (): Promise<void> => {
    const looked = current
    const found = await reportCredentials(looked, vault, clock, clouds)
    if (isClosed || looked !== current) return
    for (const line of news(report, found, describe)) log(line)
    report = found
  }
  const again = (): void => {
    cancel = clock.setTimer(lookEvery, () => void look().then(() => isClosed || again()))
  }
  const first = await reportCredentials(config, vault, clock, clouds)
  if (first.vault !== undefined && config.vault?.required !== false) throw new Error(cannotOpen(first.vault))
  for (const line of news(report, first, describe)) log(line)
  report = first
  again()
  return {
    state: () => ({
      ...(vault === undefined ? {} : { vault: report.vault === undefined ? 'ok' : inShort(report.vault) }),
      ...(report.unusable.length === 0 ? {} : { unusable: shortList(report) }),
    }),
    use(next) {
      current = next
      return look()
    },
    close() {
      isClosed = true
      cancel()
    },
  }
}

const usualWords = ({ reference, message }: UnusableCredential): string =>
  `${reference} cannot be used: ${message}`

/** Names beyond these are counted. */
const shownAtMost = 5

function shortList({ unusable }: CredentialReport): string {
  const each = new Map(unusable.map(({ reference, short }) => [reference, short]))
  const shown = [...each].slice(0, shownAtMost).map(([reference, short]) => `${reference} (${short})`)
  return each.size > shownAtMost
    ? `${shown.join(', ')} and ${each.size - shownAtMost} more`
    : shown.join(', ')
}

/** What is otherwise than before. A variable that is not set is said when the configuration is read. */
function news(
  before: CredentialReport,
  after: CredentialReport,
  describe: (credential: UnusableCredential) => string,
): string[] {
  const lines: string[] = []
  if (after.vault !== undefined && after.vault.code !== before.vault?.code) {
    const { code, message } = after.vault
    lines.push(`warning: vault: ${message} (${code}); calls that need its keys fail until it opens`)
  }
  if (after.vault === undefined && before.vault !== undefined) lines.push('the vault opens again')
  const known = keysOf(before)
  const still = keysOf(after)
  for (const [reference, credential] of still)
    if (known.get(reference)?.message !== credential.message) lines.push(`warning: ${describe(credential)}`)
  for (const reference of known.keys())
    if (!still.has(reference)) lines.push(`${reference} can be used again`)
  return lines
}

function keysOf({ vault, unusable }: CredentialReport): ReadonlyMap<string, UnusableCredential> {
  if (vault !== undefined) return new Map()
  const others = unusable.filter(({ reference }) => !reference.startsWith('env:'))
  return new Map(others.map((credential) => [credential.reference, credential]))
}
