import { type Clock, systemClock } from '@spillway/middleware'
import { mustFit } from './environment.ts'
import type { LeaseBook } from './lease-book.ts'
import type { StoredVersion, VaultDocument } from './vault-document.ts'
import { KeyVaultError } from './vault-error.ts'
import { secretOf, stateOf } from './versions.ts'

/** The value of a version, lent to one attempt. */
export interface CredentialLease {
  readonly value: string
  /** Gives it back. Once is enough, more often does no harm. */
  release(): void
}

/** A credential whose versions change while calls go on. Fits `credential` of `@spillway/core-client`. */
export interface VaultCredential {
  /**
   * The value for one attempt.
   * @throws KeyVaultError
   */
  token(clock?: Clock): CredentialLease | Promise<CredentialLease>
  /** The upstream answered 401 to this value. */
  refused(value: string): void
}

/** What a {@link VaultCredential} needs of its vault. */
export interface CredentialHost {
  readonly environment: string
  readonly leases: LeaseBook
  /** Milliseconds since the Unix epoch. */
  epoch(): number
  document(): VaultDocument | Promise<VaultDocument>
  /** Reads the vault again, with the next call; another process may have put another key there. */
  doubt(): void
  onUse(name: string, version: number): void
  /** The active version has been refused, and the one before is still good. */
  onRefused(name: string, refused: StoredVersion, instead: StoredVersion): void
}

/** Lends the versions of one secret. Those that were refused are passed over as long as there is another. */
export class CredentialSource implements VaultCredential {
  readonly #name: string
  readonly #host: CredentialHost
  /** By version and the time when it became active, so that a version promoted again begins afresh. */
  readonly #refused = new Set<string>()

  constructor(name: string, host: CredentialHost) {
    this.#name = name
    this.#host = host
  }

  token(_: Clock = systemClock): CredentialLease | Promise<CredentialLease> {
    const document = this.#host.document()
    if (document instanceof Promise) return document.then((found) => this.#lend(found))
    return this.#lend(document)
  }

  refused(value: string): void {
    const document = this.#host.document()
    if (document instanceof Promise) {
      document.then((found) => this.#refuse(found, value)).catch(() => {})
    } else this.#refuse(document, value)
  }

  #lend(document: VaultDocument): CredentialLease {
    const { value, version } = this.#choose(document)
    this.#host.onUse(this.#name, version)
    return { value: value as string, release: this.#host.leases.take(this.#name, version) }
  }

  #choose(document: VaultDocument): StoredVersion {
    const { active, previous } = this.#usable(document)
    const chosen = active !== undefined && this.#refused.has(keyOf(active)) ? (previous ?? active) : active
    if (chosen !== undefined) return chosen
    throw new KeyVaultError(
      'NO_VERSION',
      `secret "${this.#name}" has no active version: add one, or promote the one that waits`,
    )
  }

  #usable(document: VaultDocument): {
    active: StoredVersion | undefined
    previous: StoredVersion | undefined
  } {
    const secret = secretOf(document, this.#name)
    mustFit({ name: this.#name, environment: secret.environment }, this.#host.environment)
    const at = this.#host.epoch()
    const { versions } = secret
    return {
      active: versions.findLast(({ state }) => state === 'active'),
      previous: versions.findLast((version) => stateOf(version, at) === 'retiring'),
    }
  }

  #refuse(document: VaultDocument, value: string): void {
    const { active, previous } = this.#usable(document)
    // An older value was refused: the next attempt gets the active one anyway.
    if (active === undefined || active.value !== value) return
    if (previous === undefined) return this.#host.doubt()
    if (this.#refused.has(keyOf(active))) return
    this.#refused.add(keyOf(active))
    this.#host.onRefused(this.#name, active, previous)
  }
}

function keyOf({ version, changedAt }: StoredVersion): string {
  return `${version}@${changedAt}`
}
