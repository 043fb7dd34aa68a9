import type { KeyVaultErrorCode } from './vault-error.ts'

/** Why a rotation was taken back. */
export type RollbackReason = 'refused' | 'unverified' | 'refused_in_use'

/** What happens in a vault, for logs and metrics. Never holds a secret. */
export type VaultEvent =
  /** The vault cannot be read again; the last good values stay in use. */
  | {
      readonly type: 'vault.stale'
      readonly code: KeyVaultErrorCode
      readonly message: string
      readonly ageMs: number
    }
  /** The vault cannot be opened, and there are no values of before. */
  | { readonly type: 'vault.unavailable'; readonly code: KeyVaultErrorCode; readonly message: string }
  /** It can be read again. */
  | { readonly type: 'vault.recovered' }
  /** Access has been withdrawn; nothing is given out any more. */
  | { readonly type: 'vault.withdrawn'; readonly code: KeyVaultErrorCode; readonly message: string }
  | { readonly type: 'rotation.started'; readonly name: string; readonly version: number }
  | {
      readonly type: 'rotation.promoted'
      readonly name: string
      readonly version: number
      readonly previous: number | undefined
    }
  | {
      readonly type: 'rotation.completed'
      readonly name: string
      readonly version: number
      readonly drained: DrainEnd
    }
  | {
      readonly type: 'rotation.rolled_back'
      readonly name: string
      readonly version: number
      readonly reason: RollbackReason
      readonly detail: string
    }
  /** The upstream answered 401 to a fresh version; calls go on with the one before. */
  | {
      readonly type: 'version.refused'
      readonly name: string
      readonly version: number
      readonly instead: number
    }
  /** Something could not be written down; what is in memory holds. */
  | {
      readonly type: 'vault.not_written'
      readonly code: KeyVaultErrorCode | undefined
      readonly message: string
    }

/** How the drain of a retiring version ended: its leases were released, its grace was over, or neither was waited for. */
export type DrainEnd = 'leases' | 'grace' | 'left'
