import { type Clock, systemClock } from '@spillway/middleware'
import { guardListener, withDefaults } from '@spillway/middleware/kit'
import { CredentialSource, type VaultCredential } from './credential-source.ts'
import { asVaultError, DocumentCache } from './document-cache.ts'
import type { VaultDriver } from './driver.ts'
import { mustFit, processEnvironment } from './environment.ts'
import { readableFingerprints, withFingerprintKey } from './fingerprint.ts'
import { LeaseBook, type LeaseCount } from './lease-book.ts'
import { type RotateOptions, type RotationReport, Rotations } from './rotation.ts'
import { Secret } from './secret.ts'
import { UseRecord } from './use-record.ts'
import type { StoredVersion, VaultDocument, VersionState } from './vault-document.ts'
import { KeyVaultError } from './vault-error.ts'
import type { VaultEvent } from './vault-events.ts'
import { addVersion, keyFrom, promote, revoke, secretOf, stateOf, takeBack } from './versions.ts'

export interface VaultOptions {
  /** Where the secrets are: `sealedFile`, `environmentVariables`, `kmsBlobs`, or one of your own. */
  readonly driver: VaultDriver
  /**
   * What this process runs in. Secrets of another environment are refused.
   * @default SPILLWAY_ENV, else NODE_ENV, else 'development'
   */
  readonly environment?: string
  /**
   * How long secrets are kept in memory before they are read again, in milliseconds.
   * @default 300000
   */
  readonly cacheFor?: number
  /**
   * How long before that they are read again in the background, in milliseconds.
   * @default 60000
   */
  readonly refreshAhead?: number
  /**
   * How often to see whether another process has changed the vault, where the driver can tell cheaply, in
   * milliseconds.
   * @default 1000
   */
  readonly checkEvery?: number
  /**
   * How long a version that has been replaced stays usable, in milliseconds.
   * @default 300000
   */
  readonly grace?: number
  /** Hears what happens. Be quick; what it throws touches nothing. */
  readonly onEvent?: (event: VaultEvent) => void
  readonly clock?: Clock
}

/** The defaults of {@link VaultOptions}. */
export const vaultDefaults: {
  readonly cacheFor: number
  readonly refreshAhead: number
  readonly checkEvery: number
  readonly grace: number
} = { cacheFor: 300_000, refreshAhead: 60_000, checkEvery: 1_000, grace: 300_000 }

/** What may be shown of a version. Times are milliseconds since the Unix epoch. */
export interface VersionInfo {
  readonly name: string
  readonly version: number
  readonly state: VersionState
  readonly environment: string
  readonly fingerprint: string
  readonly createdAt: number
  readonly changedAt: number
  /** By any process that has said so; undefined when never. */
  readonly lastUsedAt: number | undefined
  /** Of a retiring version: when its grace is over. */
  readonly until: number | undefined
  readonly note: string | undefined
}

/** How well the vault can be read. */
export interface VaultState {
  /** `stale`: the last good values are in use. `empty`: nothing has been read, or access has been withdrawn. */
  readonly status: 'empty' | 'fresh' | 'stale'
  /** Why it could not be read again. */
  readonly error: KeyVaultError | undefined
}

/** Secrets with versions. Close it, so that it writes down when they were last used. */
export interface Vault extends AsyncDisposable {
  readonly environment: string
  readonly state: VaultState
  /** The active version. @throws KeyVaultError */
  get(name: string): Promise<Secret>
  /** For the `credential` of a client: lends each attempt the version to use. */
  credential(name: string): VaultCredential
  /** All versions of all secrets, or of one; never a value. @throws KeyVaultError */
  list(name?: string): Promise<VersionInfo[]>
  /** A new secret, active at once; or a new version, which waits as `next`. @throws KeyVaultError */
  add(name: string, value: string): Promise<VersionInfo>
  /** Makes the version that waits the active one, unverified. @throws KeyVaultError */
  promote(name: string, version?: number): Promise<VersionInfo>
  /** Takes a version's value away for good. @throws KeyVaultError */
  revoke(name: string, version: number): Promise<VersionInfo>
  /** Verifies a new value, makes it the active version, drains the old one and revokes it. @throws KeyVaultError */
  rotate(name: string, value: string, options: RotateOptions): Promise<RotationReport>
  /** Who has been lent what in this process. */
  leases(): readonly LeaseCount[]
  /** Reads the vault again, now. @throws KeyVaultError when nothing is left to be used */
  refresh(): Promise<void>
  close(): Promise<void>
}

/** Opens a vault. Nothing is read before it is used. */
export function openVault(options: VaultOptions): Vault {
  return new OpenVault(options)
}

class OpenVault implements Vault {
  readonly environment: string
  readonly #driver: VaultDriver
  readonly #clock: Clock
  readonly #grace: number
  readonly #onEvent: (event: VaultEvent) => void
  readonly #cache: DocumentCache
  readonly #leases = new LeaseBook()
  readonly #uses: UseRecord
  readonly #rotations: Rotations
  readonly #credentials = new Map<string, CredentialSource>()
  #isClosed = false
  #mustReload = false
  #reloadedAt = -Infinity

  constructor(options: VaultOptions) {
    const { cacheFor, refreshAhead, checkEvery, grace } = withDefaults(vaultDefaults, options)
    this.environment = options.environment ?? processEnvironment()
    this.#driver = options.driver
    this.#clock = options.clock ?? systemClock
    this.#grace = grace
    this.#onEvent = guardListener('vault.onEvent', options.onEvent ?? (() => {}))
    this.#uses = new UseRecord(options.driver, this.#clock)
    const cache = { cacheFor, refreshAhead: Math.min(refreshAhead, cacheFor), checkEvery }
    this.#cache = new DocumentCache(options.driver, { ...cache, clock: this.#clock, onEvent: this.#onEvent })
    this.#rotations = new Rotations({
      clock: this.#clock,
      leases: this.#leases,
      onEvent: this.#onEvent,
      update: (change) => this.#update(change),
    })
  }

  get state(): VaultState {
    const error = this.#cache.failure
    const status = !this.#cache.isLoaded ? 'empty' : error === undefined ? 'fresh' : 'stale'
    return { status, error }
  }

  async get(name: string): Promise<Secret> {
    const { environment, versions } = secretOf(readableFingerprints(await this.#document()), name)
    mustFit({ name, environment }, this.environment)
    const active = versions.findLast(({ state }) => state === 'active')
    if (active === undefined) throw new KeyVaultError('NO_VERSION', `secret "${name}" has no active version`)
    const { version, fingerprint } = active
    return new Secret({ name, version, environment, fingerprint }, active.value as string)
  }

  credential(name: string): VaultCredential {
    let source = this.#credentials.get(name)
    if (source === undefined) {
      source = new CredentialSource(name, {
        environment: this.environment,
        leases: this.#leases,
        epoch: () => this.#clock.epoch(),
        document: () => this.#document(),
        doubt: () => this.#doubt(),
        onUse: (used, version) => this.#uses.note(used, version),
        onRefused: (refusedName, refused, instead) => this.#takeBack(refusedName, refused, instead),
      })
      this.#credentials.set(name, source)
    }
    return source
  }

  async list(name?: string): Promise<VersionInfo[]> {
    const document = readableFingerprints(await this.#document())
    const names = name === undefined ? Object.keys(document.secrets) : [name]
    const uses = await this.#uses.read()
    return names.flatMap((each) =>
      secretOf(document, each).versions.map((version) => this.#describe(document, each, version, uses)),
    )
  }

  async add(name: string, value: string): Promise<VersionInfo> {
    const { environment } = this
    let added = 0
    const document = await this.#update((before, at) => {
      const { document: after, version } = addVersion(before, { name, value, environment }, at)
      added = version
      return after
    })
    return this.#info(document, name, added)
  }

  async promote(name: string, version?: number): Promise<VersionInfo> {
    const document = await this.#update((before, at) => {
      mustFit({ name, environment: secretOf(before, name).environment }, this.environment)
      return promote(before, name, { version, until: at + this.#grace }, at)
    })
    const active = secretOf(document, name).versions.findLast(({ state }) => state === 'active')
    return this.#info(document, name, (active as StoredVersion).version)
  }

  async revoke(name: string, version: number): Promise<VersionInfo> {
    const document = await this.#update((before, at) => revoke(before, name, version, at))
    return this.#info(document, name, version)
  }

  async rotate(name: string, given: string, options: RotateOptions): Promise<RotationReport> {
    const { environment } = this
    // What is verified is what is stored.
    const value = keyFrom(given)
    return this.#rotations.rotate({ name, value, environment }, { grace: this.#grace, ...options })
  }

  leases(): readonly LeaseCount[] {
    return this.#leases.counts()
  }

  async refresh(): Promise<void> {
    this.#mustBeOpen()
    await this.#cache.reload()
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#rotations.leave()
    await this.#uses.flush()
    this.#driver.close?.()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #document(): VaultDocument | Promise<VaultDocument> {
    if (this.#isClosed) return Promise.reject(closed())
    if (!this.#mustReload) return this.#cache.current()
    this.#mustReload = false
    this.#reloadedAt = this.#clock.now()
    return this.#cache.reload()
  }

  async #update(change: (document: VaultDocument, at: number) => VaultDocument): Promise<VaultDocument> {
    this.#mustBeOpen()
    const { update } = this.#driver
    if (update === undefined) {
      throw new KeyVaultError(
        'READ_ONLY',
        `${this.#driver.name} can only be read: change the key where it comes from`,
      )
    }
    const document = await update.call(this.#driver, (before) =>
      change(withFingerprintKey(before), this.#clock.epoch()),
    )
    this.#cache.set(document)
    return document
  }

  /** A key was refused and nothing else is here: look once whether another one was put there. */
  #doubt(): void {
    if (this.#clock.now() - this.#reloadedAt < reloadAtMostEvery) return
    this.#mustReload = true
  }

  /** Calls go on with the version before at once; writing that down follows. */
  #takeBack(name: string, { version }: StoredVersion, instead: StoredVersion): void {
    this.#onEvent({ type: 'version.refused', name, version, instead: instead.version })
    const written =
      this.#driver.update === undefined
        ? Promise.resolve()
        : this.#update((before, at) => takeBack(before, name, version, at)).then(
            () => {},
            (error: unknown) => {
              const { code, message } = asVaultError(error)
              this.#onEvent({ type: 'vault.not_written', code, message })
            },
          )
    this.#rotations.refused(name, version, written)
  }

  async #info(document: VaultDocument, name: string, version: number): Promise<VersionInfo> {
    const found = secretOf(document, name).versions.find((other) => other.version === version)
    return this.#describe(document, name, found as StoredVersion, await this.#uses.read())
  }

  #describe(
    document: VaultDocument,
    name: string,
    version: StoredVersion,
    uses: Readonly<Record<string, number>>,
  ): VersionInfo {
    const { environment } = secretOf(document, name)
    const { fingerprint, createdAt, changedAt, until, note } = version
    const state = stateOf(version, this.#clock.epoch())
    const lastUsedAt = uses[`${name}@${version.version}`]
    return {
      name,
      version: version.version,
      state,
      environment,
      fingerprint,
      createdAt,
      changedAt,
      lastUsedAt,
      until,
      note,
    }
  }

  #mustBeOpen(): void {
    if (this.#isClosed) throw closed()
  }
}

/** In milliseconds: a wrong key must not make a vault read at every call. */
const reloadAtMostEvery = 5_000

function closed(): KeyVaultError {
  return new KeyVaultError('CLOSED', 'the vault has been closed')
}
