import type { Clock } from '@spillway/middleware'
import { sessionName, signedOut } from '../clients/client-changes.ts'
import type { OpenClients } from '../clients/open-clients.ts'
import type { OidcConfig } from '../config/oidc-config.ts'
import type { Identity } from '../identity/open-identity.ts'
import { deviceCodes } from './device-codes.ts'
import { type ExpiringTexts, memoryTexts } from './expiring-texts.ts'
import { providerLogin } from './provider-login.ts'
import { sessionTokens } from './session-tokens.ts'
import { openSignIn, type SignIn } from './sign-in.ts'
import type { SignInOptions } from './sign-in-options.ts'

export interface SignInSources extends Pick<SignInOptions, 'url' | 'openSession' | 'note' | 'log'> {
  readonly identity: Identity
  readonly known: Pick<OpenClients, 'store' | 'hash' | 'directory'>
  /** What all gateways see; undefined where there is no Redis. */
  readonly shared: ExpiringTexts | undefined
  readonly clock: Clock
}

/** An hour. */
const usualTokenFor = 3_600_000

/** Opens what people sign in by; undefined where the configuration names no application for it. */
export async function openConfiguredSignIn(
  config: OidcConfig,
  sources: SignInSources,
): Promise<SignIn | undefined> {
  if (config.clientId === undefined) return undefined
  const { identity, known, shared, clock } = sources
  const { grants, isSignedOut } = identity
  const tokens = await sessionTokens({
    ...{ hash: known.hash, clock, tokenFor: config.sessions?.tokenFor ?? usualTokenFor },
    admit: (subject) => grants({ ...subject, lacksGroups: false }),
  })
  identity.takeSessions(tokens.verify)
  return openSignIn({
    ...{ config, clock, tokens, grants, isSignedOut },
    ...{ url: sources.url, openSession: sources.openSession, note: sources.note, log: sources.log },
    login: providerLogin(identity.provider, config),
    codes: deviceCodes(shared ?? memoryTexts(clock), clock),
    settingsOf: (client) => identity.tokens.signedIn(client)?.settings,
    async signOut(session) {
      await known.store.update((document) => signedOut(document, sessionName(session), clock.epoch()))
      await known.directory.refresh()
    },
  })
}
