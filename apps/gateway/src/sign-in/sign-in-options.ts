import type { IncomingMessage } from 'node:http'
import type { Clock } from '@spillway/middleware'
import type { Client } from '../clients/client-directory.ts'
import type { OidcConfig } from '../config/oidc-config.ts'
import type { ClaimProblem, Subject } from '../identity/claims.ts'
import type { SignedIn } from '../identity/grants.ts'
import type { Holder } from '../operators/sessions.ts'
import type { DeviceCodes } from './device-codes.ts'
import type { ProviderLogin } from './provider-login.ts'
import type { SessionTokens } from './session-tokens.ts'

export interface SignInOptions {
  readonly config: OidcConfig
  readonly login: ProviderLogin
  readonly tokens: SessionTokens
  readonly codes: DeviceCodes
  readonly clock: Clock
  /** The URL that people reach the gateway by. */
  readonly url: () => string
  readonly grants: (subject: Subject) => SignedIn | ClaimProblem
  readonly isSignedOut: (name: string, since: number, session?: string) => boolean
  /** Ends one session. */
  readonly signOut: (session: string) => Promise<void>
  readonly settingsOf: (client: Client) => SignedIn['settings']
  /** Opens a session of the dashboard. @returns the header `set-cookie` */
  readonly openSession: (
    req: IncomingMessage,
    name: string,
    current: () => Client | undefined,
    holder: Holder,
  ) => string
  readonly note: (actor: string, action: string, details: Readonly<Record<string, unknown>>) => void
  readonly log: (line: string) => void
}
