import { type Clock, sleep } from '@spillway/middleware'
import type { VaultDriver } from './driver.ts'
import type { VaultDocument } from './vault-document.ts'
import { isKeyVaultError, KeyVaultError, type KeyVaultErrorCode } from './vault-error.ts'
import type { VaultEvent } from './vault-events.ts'

export interface CacheSettings {
  readonly cacheFor: number
  readonly refreshAhead: number
  readonly checkEvery: number
  readonly clock: Clock
  readonly onEvent: (event: VaultEvent) => void
}

/** Access was withdrawn on purpose: then the last good value must not stay in use. */
const withdrawals: ReadonlySet<KeyVaultErrorCode> = new Set([
  'SPILLWAY_VAULT_KEY_DISABLED',
  'SPILLWAY_VAULT_ACCESS_DENIED',
])

/** How long a call waits for a vault that does not answer while there is a last good value, in milliseconds. */
const patience = 1_000

/** How often a vault that failed is asked again, in milliseconds. */
const askAgainAfter = 5_000

/** The last good document. Refreshed by use, ahead of its expiry and in the background; no timers while idle. */
export class DocumentCache {
  readonly #driver: VaultDriver
  readonly #settings: CacheSettings
  #document: VaultDocument | undefined
  #loadedAt = 0
  #revision: string | undefined
  #checkedAt = 0
  #failedAt = -Infinity
  #failure: KeyVaultError | undefined
  #running: Promise<VaultDocument> | undefined
  #checking = false
  /** Counts documents, so that a slow reload does not undo a later write. */
  #generation = 0

  constructor(driver: VaultDriver, settings: CacheSettings) {
    this.#driver = driver
    this.#settings = settings
  }

  /** Why the document could not be read again, as long as it cannot. */
  get failure(): KeyVaultError | undefined {
    return this.#failure
  }

  get isLoaded(): boolean {
    return this.#document !== undefined
  }

  /** The document: at once where there is one that is good. */
  current(): VaultDocument | Promise<VaultDocument> {
    const document = this.#document
    const { clock, cacheFor, refreshAhead } = this.#settings
    const now = clock.now()
    if (document === undefined) return this.reload()
    const age = now - this.#loadedAt
    if (age < cacheFor - refreshAhead) {
      this.#watch(now)
      return document
    }
    if (now - this.#failedAt < askAgainAfter) return document
    const reloaded = this.reload()
    if (age < cacheFor || this.#failure !== undefined) {
      // A failure shows in the state, and in an event.
      reloaded.catch(() => {})
      return document
    }
    return this.#butNotForLong(reloaded)
  }

  /** Takes what has just been written. */
  set(document: VaultDocument): void {
    this.#generation++
    this.#document = document
    this.#loadedAt = this.#settings.clock.now()
    // Another process may have written since: the next look finds another revision, and reads it once more.
    this.#revision = undefined
  }

  /**
   * Reads the document again. However many ask, it is read once at a time. Resolves with the last good one where it
   * cannot be read.
   * @throws KeyVaultError when there is no last good one, or access was withdrawn
   */
  reload(): Promise<VaultDocument> {
    this.#running ??= this.#load().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #load(): Promise<VaultDocument> {
    const { clock, onEvent } = this.#settings
    const generation = this.#generation
    try {
      // Before the bytes, so that a change in between is seen as one.
      const revision = await this.#driver.revision?.()
      const document = await this.#driver.load()
      if (generation !== this.#generation && this.#document !== undefined) return this.#document
      this.#document = document
      this.#loadedAt = clock.now()
      this.#checkedAt = this.#loadedAt
      this.#revision = revision
      this.#failedAt = -Infinity
      if (this.#failure !== undefined) onEvent({ type: 'vault.recovered' })
      this.#failure = undefined
      return document
    } catch (thrown) {
      const error = asVaultError(thrown)
      this.#failedAt = clock.now()
      const isNew = this.#failure?.code !== error.code
      const last = this.#document
      this.#failure = error
      const { code, message } = error
      if (last === undefined) {
        if (isNew) onEvent({ type: 'vault.unavailable', code, message })
        throw error
      }
      if (withdrawals.has(code)) {
        this.#document = undefined
        onEvent({ type: 'vault.withdrawn', code, message })
        throw error
      }
      if (isNew) onEvent({ type: 'vault.stale', code, message, ageMs: this.#failedAt - this.#loadedAt })
      return last
    }
  }

  /** Checks in the background whether another process has written. */
  #watch(now: number): void {
    if (this.#driver.revision === undefined || this.#checking) return
    if (now - this.#checkedAt < this.#settings.checkEvery) return
    this.#checking = true
    this.#checkedAt = now
    this.#driver
      .revision()
      .then((found) => {
        if (found !== this.#revision && now - this.#failedAt >= askAgainAfter) this.reload().catch(() => {})
      })
      .catch(() => {})
      .finally(() => {
        this.#checking = false
      })
  }

  async #butNotForLong(reloaded: Promise<VaultDocument>): Promise<VaultDocument> {
    const last = this.#document as VaultDocument
    const enough = new AbortController()
    const waited = sleep(this.#settings.clock, patience, enough.signal).then(
      () => last,
      () => last,
    )
    try {
      return await Promise.race([reloaded, waited])
    } finally {
      enough.abort()
    }
  }
}

/** Whatever a third-party driver throws, its text may hold a secret. */
export function asVaultError(thrown: unknown): KeyVaultError {
  if (isKeyVaultError(thrown)) return thrown
  const name = thrown instanceof Error ? thrown.name : 'unknown error'
  return new KeyVaultError('UNAVAILABLE', `the vault cannot be read (${name})`)
}
