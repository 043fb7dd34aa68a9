import type { Vault } from '@spillway/key-vault'
import { backgroundClock } from '@spillway/middleware/kit'
import type { OpenClients } from '../clients/open-clients.ts'
import type { Config } from '../config/config.ts'
import type { Fingerprints } from '../fingerprints/fingerprints.ts'
import { openFingerprints } from '../fingerprints/open-fingerprints.ts'
import type { Identity } from '../identity/open-identity.ts'
import { withTokens } from '../identity/token-directory.ts'
import { adminMode } from '../operators/admin-mode.ts'
import type { LoginSharing } from '../operators/login.ts'
import { type OperatorDoor, openOperatorDoor } from '../operators/operator-door.ts'
import type { SharedState } from '../shared-state.ts'
import type { SignIn } from '../sign-in/sign-in.ts'
import { signInPaths } from '../sign-in/sign-in-paths.ts'
import type { Credentials } from './client-door.ts'

export interface DoorOptions {
  readonly config: Config
  readonly vault: Vault | undefined
  readonly shared: SharedState | undefined
  /** Where the key of fingerprints is kept; null for one that ends with the process. */
  readonly stateFolder: string | null
  /** The gateway's own address, once it is known. */
  readonly url: () => string
  /** Where several processes serve as one gateway. */
  readonly sharing?: LoginSharing | undefined
  /** Notes an act in the audit log. */
  readonly note: (actor: string, action: string, details: Readonly<Record<string, unknown>>) => void
  readonly log: (line: string) => void
}

/** How those who come are told apart: callers, operators, and people who sign in. */
export interface Doors {
  readonly fingerprints: Fingerprints
  /** Clients with keys; undefined where callers present none. */
  readonly known: OpenClients | undefined
  /** Who may call; undefined where anyone may. */
  readonly clients: Credentials | undefined
  readonly identity: Identity | undefined
  readonly operators: OperatorDoor
  readonly signIn: SignIn | undefined
}

/**
 * Opens the doors of a configuration. What only some configurations use is loaded with them.
 * @throws Error for a key, a secret or a list of clients that cannot be had; then nothing is open
 */
export async function openDoors(options: DoorOptions): Promise<Doors> {
  const { config, vault, shared, sharing, stateFolder, url, note, log } = options
  const { auth, oidc, fingerprintKey } = config.server
  const admin = adminMode(config.server)
  const sources = { vault, stateFolder, clock: backgroundClock, log }
  const fingerprints = await openFingerprints({ configured: fingerprintKey, shared, ...sources })
  const known =
    auth === 'keys' || admin === 'login'
      ? await (await import('../clients/open-clients.ts')).openClients(config, sources)
      : undefined
  let identity: Identity | undefined
  try {
    if (known !== undefined && oidc !== undefined) {
      const { openIdentity } = await import('../identity/open-identity.ts')
      identity = await openIdentity(oidc, { ...sources, clients: known.directory })
    }
    const asked = auth === 'keys' ? known?.directory : undefined
    let signIn: SignIn | undefined
    const operators = openOperatorDoor({
      ...{ sharing, personOf: (subject, since) => signIn?.personOf(subject, since) },
      ...{ admin, clients: known?.directory, hash: known?.hash, clock: backgroundClock, note, log },
      signIn: identity === undefined ? undefined : signInPaths.login,
    })
    signIn =
      identity && known && oidc
        ? await (await import('../sign-in/open-sign-in.ts')).openConfiguredSignIn(oidc, {
            ...{ identity, known, clock: backgroundClock, log, shared: shared?.expiring },
            ...{ url, note, openSession: operators.login.open },
          })
        : undefined
    const clients = asked && identity ? withTokens(asked, identity) : asked
    return { fingerprints, known, clients, identity, operators, signIn }
  } catch (error) {
    identity?.close()
    await known?.directory.close()
    throw error
  }
}
