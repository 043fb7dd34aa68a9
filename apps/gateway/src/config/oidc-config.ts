import type { WrittenLimit } from '../budgets/limit-text.ts'
import type { Priority } from '../shedding/priority.ts'

/** What people and services may do whom the identity provider puts into a group. */
export interface GrantConfig {
  readonly permissions: readonly string[]
  /** Globs; all models where it is left out. */
  readonly models?: readonly string[] | undefined
  /** The largest `max_tokens` of a call. */
  readonly maxTokens?: number | undefined
  /** Globs of names of targets; all where it is left out. */
  readonly targets?: readonly string[] | undefined
  readonly team?: string | undefined
  /** For each member by itself. */
  readonly limits?: readonly WrittenLimit[] | undefined
  readonly priority?: Priority | undefined
  /** Managed settings of Claude Code, passed on as they are. */
  readonly settings?: Readonly<Record<string, unknown>> | undefined
}

/** `server.oidc` of the file. */
export interface OidcConfig {
  readonly issuer: string
  /** Of the application that people log in to; without it only services present tokens. */
  readonly clientId?: string | undefined
  /** `env:NAME` or `vault:NAME`. */
  readonly clientSecret?: string | undefined
  /** What tokens of services are made for; the client id where it is left out. */
  readonly audience?: string | readonly string[] | undefined
  readonly scopes?: readonly string[] | undefined
  readonly publicUrl?: string | undefined
  /** Names of claims, or paths into them; of several the first that is there, and all of them for groups. */
  readonly claims?:
    | {
        readonly name?: string | readonly string[] | undefined
        readonly groups?: string | readonly string[] | undefined
        readonly team?: string | undefined
      }
    | undefined
  readonly requiredClaims?: Readonly<Record<string, string | number | boolean>> | undefined
  readonly groups?: Readonly<Record<string, GrantConfig>> | undefined
  readonly people?: Readonly<Record<string, GrantConfig>> | undefined
  readonly everyone?: GrantConfig | undefined
  readonly sessions?:
    | {
        /** Milliseconds, both. */
        readonly tokenFor?: number | undefined
        readonly signInAfter?: number | undefined
      }
    | undefined
  /** As of an endpoint. */
  readonly proxy?: string | undefined
}
