import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider from 'oidc-provider'
import { onTestFinished } from 'vitest'

/** A real identity provider on this machine, whose people need no password. */
export interface TestIdentityProvider {
  readonly url: string
  /** For `server.oidc`. */
  readonly settings: { readonly issuer: string; readonly clientId: string; readonly clientSecret: string }
  /** The groups of each person, by name; who is not here is no account. */
  readonly groups: Record<string, readonly string[]>
  /** Who logs in next. */
  person: string
  leave(): Promise<void>
  comeBack(): Promise<void>
}

process.env.SPILLWAY_TEST_OIDC_SECRET = 'secret-of-the-application'

/** @param gatewayUrl asked when the application is registered */
export async function startIdentityProvider(redirectUris: readonly string[]): Promise<TestIdentityProvider> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  const state = { person: 'alice', groups: { alice: ['engineers'] } as Record<string, readonly string[]> }
  const provider = new Provider(url, {
    clients: [
      {
        client_id: 'spillway',
        client_secret: 'secret-of-the-application',
        redirect_uris: [...redirectUris],
        grant_types: ['authorization_code', 'refresh_token'],
        token_endpoint_auth_method: 'client_secret_basic',
      },
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['groups', 'name'] },
    cookies: { keys: ['a-key-for-cookies-of-tests'] },
    features: { devInteractions: { enabled: false } },
    pkce: { required: () => true },
    rotateRefreshToken: true,
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    findAccount(_, id) {
      const groups = state.groups[id]
      if (groups === undefined) return undefined
      return {
        accountId: id,
        claims: () => ({
          sub: id,
          email: `${id}@example.com`,
          email_verified: true,
          name: id,
          groups: [...groups],
        }),
      }
    },
  })
  const handle = provider.callback()
  const answer = (req: IncomingMessage, res: ServerResponse): void => {
    if (req.url?.startsWith('/interaction/')) void interact(req, res)
    else handle(req, res)
  }
  /** Logs the person in and consents, as a person would on two pages. */
  const interact = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const details = await provider.interactionDetails(req, res)
    if (details.prompt.name === 'login')
      return provider.interactionFinished(req, res, { login: { accountId: state.person } })
    const grant = new provider.Grant({
      accountId: details.session?.accountId ?? state.person,
      clientId: String(details.params.client_id),
    })
    grant.addOIDCScope(String(details.params.scope))
    await provider.interactionFinished(req, res, { consent: { grantId: await grant.save() } })
  }
  server.on('request', answer)
  let open: Server = server
  const leave = async (): Promise<void> => {
    open.closeAllConnections()
    await new Promise((resolve) => open.close(resolve))
  }
  onTestFinished(leave)
  return Object.assign(state, {
    url,
    settings: { issuer: url, clientId: 'spillway', clientSecret: 'env:SPILLWAY_TEST_OIDC_SECRET' },
    leave,
    async comeBack() {
      open = createServer(answer)
      await new Promise<void>((resolve) => open.listen(port, '127.0.0.1', resolve))
    },
  })
}
