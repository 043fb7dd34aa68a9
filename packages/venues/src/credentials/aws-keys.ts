import { Agent, type AgentOptions } from 'node:https'
import { type AccessToken, CredentialError, refreshingToken } from '@spillway/core-client'
import type { Clock } from '@spillway/middleware'
import { loadPeer } from './load-peer.ts'

/** What signs requests to AWS. */
export interface AwsKeys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Of temporary keys. */
  readonly sessionToken?: string | undefined
  /** When temporary keys expire. */
  readonly expiration?: Date | undefined
}

/** Keys, or a function that obtains them: a provider of AWS's SDK, for instance. */
export type AwsCredentials = AwsKeys | (() => AwsKeys | Promise<AwsKeys>)

/** Where the keys of a signer come from. */
export interface AwsKeySource {
  keys(clock: Clock): AwsKeys | Promise<AwsKeys>
  /**
   * AWS does not take these keys.
   * @returns whether there may be others
   */
  refused(keys: AwsKeys): boolean
}

/** AWS's own SDK replaces keys so long before they expire, and its services hand out new ones by then; in milliseconds. */
const refreshAhead = 5 * 60_000

/** The keys that are given, or those that the usual chain finds: replaced ahead of their expiry, one request at a time. */
export function awsKeySource(credentials: AwsCredentials | undefined): AwsKeySource {
  if (typeof credentials === 'object') {
    const keys = usable(credentials)
    return { keys: () => keys, refused: () => false }
  }
  const keysOf = new WeakMap<AccessToken, AwsKeys>()
  const tokenOf = new WeakMap<AwsKeys, string>()
  const load = credentials ?? usualChain
  const tokens = refreshingToken({
    refreshAhead,
    async refresh() {
      const keys = usable(await load())
      const value = keys.sessionToken ?? keys.accessKeyId
      const token = { value, expiresAt: keys.expiration?.getTime() }
      keysOf.set(token, keys)
      tokenOf.set(keys, value)
      return token
    },
  })
  const read = (token: AccessToken): AwsKeys => keysOf.get(token) as AwsKeys
  return {
    keys(clock) {
      const token = tokens.token(clock)
      return token instanceof Promise ? token.then(read) : read(token)
    },
    refused(keys) {
      tokens.refused(tokenOf.get(keys) ?? '')
      return true
    },
  }
}

/** A value of two lines, or with a space, is a mistake that AWS would answer with a riddle. */
function usable({ accessKeyId, secretAccessKey, sessionToken, expiration }: AwsKeys): AwsKeys {
  const values = [accessKeyId, secretAccessKey, ...(sessionToken ? [sessionToken] : [])]
  if (!values.every((value) => typeof value === 'string' && /^[!-~]+$/.test(value.trim()))) {
    throw new CredentialError(
      'the AWS credentials hold an empty value or a character that no key has: check the access key, the secret key and the session token',
    )
  }
  return {
    accessKeyId: accessKeyId.trim(),
    secretAccessKey: secretAccessKey.trim(),
    ...(sessionToken && { sessionToken: sessionToken.trim() }),
    ...(expiration && { expiration }),
  }
}

/**
 * Environment, profile (SSO, roles, processes), web identity, container, instance. Asked again from the start each time, since
 * whoever asks keeps what it found, and what a profile says may have changed.
 */
async function usualChain(): Promise<AwsKeys> {
  const { createCredentialChain, fromEnv, fromNodeProviderChain } = await loadPeer(
    '@aws-sdk/credential-providers',
    () => import('@aws-sdk/credential-providers'),
  )
  // The keys of the environment come first even where AWS_PROFILE is set, as in AWS's command line.
  const chain = createCredentialChain(
    fromEnv(),
    fromNodeProviderChain({ ignoreCache: true, ...throughProxy(process.env) }),
  )
  try {
    return await chain()
  } catch (error) {
    throw new CredentialError(`no AWS credentials: ${reasonOf(error)}`, { cause: error })
  }
}

/**
 * AWS's SDK knows no proxy by itself: requests for roles and SSO go through that of the environment by Node's own means (24.5,
 * 22.21 and later). Metadata servers are asked directly.
 */
function throughProxy(environment: NodeJS.ProcessEnv): { clientConfig?: object } {
  if (!environment.HTTPS_PROXY && !environment.https_proxy) return {}
  const options: AgentOptions & { readonly proxyEnv: NodeJS.ProcessEnv } = { proxyEnv: environment }
  return { clientConfig: { requestHandler: { httpsAgent: new Agent(options) } } }
}

/** What to do, by the name of an error. Messages stay out of it: they may quote what a profile or a server holds. */
const reasons: Readonly<Record<string, string>> = {
  CredentialsProviderError:
    'neither the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), nor the profile, a web identity, or the metadata of container and instance have any that can be used; sign in (aws sso login) or set them',
  TokenProviderError: 'the sign-in of the profile has expired: aws sso login',
  AccessDenied: 'AWS does not let this identity take the role of the profile',
  AccessDeniedException: 'AWS does not let this identity take the role of the profile',
  ExpiredToken: 'the keys, or the token of the web identity, that lead to them have expired',
  ExpiredTokenException: 'the keys, or the token of the web identity, that lead to them have expired',
  InvalidIdentityToken:
    'AWS does not take the token of the web identity: check the identity provider and the role',
  InvalidClientTokenId: 'AWS does not know the access key that leads to them',
  SignatureDoesNotMatch: 'AWS refuses the signature with the key that leads to them: check the secret key',
  UnauthorizedException: 'the sign-in of the profile has expired: aws sso login',
}

function reasonOf(error: unknown): string {
  const name = error instanceof Error ? error.name : 'unknown error'
  return reasons[name] ?? `they could not be obtained (${name})`
}
