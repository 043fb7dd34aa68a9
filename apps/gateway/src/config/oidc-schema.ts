import { z } from 'zod'
import { isOnThisMachine } from '../access/exposure.ts'
import { permissionNames } from '../clients/permissions.ts'
import { limits } from './budgets-schema.ts'
import type { GrantConfig, OidcConfig } from './oidc-config.ts'
import { priority, proxy, someTime, whole } from './values.ts'

const text = (what: string): z.ZodString => z.string({ error: `expected ${what}` }).min(1)

/** Tokens and secrets go there: TLS, but for a server of this machine. */
const serverUrl = (what: string, may: (url: URL) => boolean): z.ZodString =>
  z.string({ error: `expected ${what}` }).refine(
    (written) => {
      const url = URL.parse(written)
      if (url === null || url.username !== '' || url.hash !== '' || !may(url)) return false
      return url.protocol === 'https:' || (url.protocol === 'http:' && isOnThisMachine(written))
    },
    { error: `expected ${what}; http:// only for a server of this machine` },
  )

const issuer = serverUrl(
  "the identity provider's URL as its discovery document has it, such as https://login.example.com/realms/company",
  ({ search }) => search === '',
).refine((url) => !/\/(?:common|organizations|consumers)\/|\{tenant/i.test(url), {
  error:
    'this is the address of all tenants, from whom anyone could sign in: put the id of your own tenant in its place',
})

const publicUrl = serverUrl(
  'the URL that people reach the gateway by, without a path, such as https://gateway.example.com',
  ({ pathname, search }) => pathname === '/' && search === '',
)

const secret = z.string().regex(/^(env:[A-Za-z_][A-Za-z0-9_]*|vault:[A-Za-z0-9._-]+)$/, {
  error: 'expected env:NAME (an environment variable) or vault:NAME; a secret never belongs in a file',
})

const claim = text('the name of a claim, or a path such as realm_access.roles')
const claims = z.union([claim, z.array(claim).min(1)], {
  error: 'expected the name of a claim, or a list of them',
})

const grant: z.ZodType<GrantConfig> = z.strictObject({
  permissions: z
    .array(
      z.enum(permissionNames as [string, ...string[]], {
        error: `expected permissions: ${permissionNames.join(', ')}`,
      }),
      { error: 'expected a list of permissions' },
    )
    .describe('As of client keys, see "spillway clients".'),
  models: z
    .array(text('the name of a model; * matches any characters').max(256))
    .min(1)
    .optional()
    .describe('Which models it may use; all by default.'),
  maxTokens: whole.optional().describe('The largest max_tokens of a call.'),
  targets: z
    .array(text('the name of a target; * matches any characters').max(256))
    .min(1)
    .optional()
    .describe('Which targets may serve it; all by default.'),
  limits: limits.describe(
    'What each member may use, such as usd=50/month; of several groups those of the first that has any.',
  ),
  priority: priority
    .optional()
    .describe('How important its calls are; of several groups that of the first that has one.'),
  team: text('a name').max(64).optional().describe('The team, where the claims tell none.'),
  settings: z
    .record(z.string(), z.unknown(), { error: 'expected settings of Claude Code' })
    .optional()
    .describe('Settings of Claude Code that its users cannot change, as in managed-settings.json.'),
})

const claimValue = z.union([z.string(), z.number(), z.boolean()])

/** `server.oidc` of the file. */
export const oidc: z.ZodType<OidcConfig | undefined> = z
  .strictObject({
    issuer: issuer.describe('The URL of the identity provider; its discovery document says the rest.'),
    clientId: text('the id of an application at the identity provider')
      .optional()
      .describe('The application that people log in to; without it only tokens of services are taken.'),
    clientSecret: secret
      .optional()
      .describe('Its secret: env:NAME or vault:NAME; left out for a public client.'),
    audience: z
      .union([text('an audience'), z.array(text('an audience')).min(1)], {
        error: 'expected an audience, or a list of them',
      })
      .optional()
      .describe('What the tokens of services must be made for (aud); clientId by default.'),
    scopes: z
      .array(text('a scope').regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/))
      .optional()
      .describe('What is asked for at a login; openid, email, profile and offline_access by default.'),
    publicUrl: publicUrl
      .optional()
      .describe(
        'The URL that people reach the gateway by: needed where they log in and it is no loopback address.',
      ),
    claims: z
      .strictObject({
        name: claims
          .optional()
          .describe(
            'Who it is; the first that is there. By default email, preferred_username, client_id, azp, appid, sub.',
          ),
        groups: claims
          .optional()
          .describe('What groups it is in: names of claims, or paths such as realm_access.roles.'),
        team: claim.optional().describe('Its team, for limits and reports.'),
      })
      .optional()
      .describe('Which claims tell who it is.'),
    requiredClaims: z
      .record(z.string(), claimValue, { error: 'expected names of claims, each with its value' })
      .optional()
      .describe('Claims that must have these values, such as hd: example.com with Google.'),
    groups: z
      .record(text('the name of a group'), grant, {
        error: 'expected names of groups, each with its permissions',
      })
      .optional()
      .describe('What members of a group may do. Who is in several may do what any of them allows.'),
    people: z
      .record(text('a name'), grant, { error: 'expected names, each with its permissions' })
      .optional()
      .describe('Additional permissions of single people and services, by the names that claims.name gives.'),
    everyone: grant.optional().describe('Permissions of anyone who can sign in. None by default.'),
    sessions: z
      .strictObject({
        tokenFor: someTime
          .optional()
          .describe('How long a session token of Claude Code is valid before it is renewed. 1h by default.'),
        signInAfter: someTime
          .optional()
          .describe('When people sign in again at the latest. 30 days by default.'),
      })
      .optional()
      .describe('How long people stay signed in.'),
    proxy: proxy.describe('How the identity provider is reached, as of an endpoint.'),
  })
  .refine(({ clientId, audience }) => clientId !== undefined || audience !== undefined, {
    error: 'expected clientId (people log in) or audience (services present tokens), or both',
  })
  .refine(({ groups, people, everyone }) => (groups ?? people ?? everyone) !== undefined, {
    error: 'expected groups, people or everyone: without them no person has permissions',
  })
  .optional()
