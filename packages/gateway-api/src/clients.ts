import { z } from 'zod'
import { integer, list, named, object, text, time } from './values.ts'

const expected = (what: string) => ({ error: `expected ${what}` })

const moment = time.nullable()

const key = object({
  prefix: text.describe('The first characters.'),
  fingerprint: text,
  createdAt: time,
  until: moment.describe('When it ends, where another one has replaced it.'),
})

export const client = named(
  'Client',
  object({
    name: text,
    state: z.enum(['active', 'expired', 'revoked']),
    team: text.nullable(),
    permissions: list(text),
    models: list(text).nullable().describe('Globs; null: all models.'),
    targets: list(text).nullable().describe('Globs; null: all targets.'),
    maxTokens: integer.nullable(),
    priority: z.union([text, integer]).nullable().describe('null: interactive.'),
    createdAt: time,
    expiresAt: moment,
    revokedAt: moment,
    lastUsedAt: moment.describe('Since this gateway has started; null where it has not been seen.'),
    keys: list(key).describe('The newest first; never a key itself.'),
    revision: text.describe('For `if-match`: changes with the client.'),
  }),
)
export type ClientView = z.infer<typeof client>

export const login = named(
  'Login',
  object({
    login: z.boolean().describe('Whether operators have to log in here.'),
    operator: object({
      name: text,
      by: z
        .enum(['key', 'session', 'open'])
        .describe('How it has authenticated; open: no login is required.'),
      permissions: list(text),
      csrf: text.nullable().describe('For `x-spillway-csrf`, which acts with a cookie need.'),
      endsAt: moment.describe('When the session ends at the latest.'),
    })
      .nullable()
      .describe('null without a login.'),
    signIn: text
      .optional()
      .describe('Where people log in with the identity provider; missing where there is none.'),
  }),
)
export type Login = z.infer<typeof login>

export const credential = named(
  'Credential',
  z
    .strictObject({
      key: z.string(expected('a key')).optional().describe('Of a client with admin:read.'),
      code: z.string(expected('a code')).optional().describe('Of the link that `spillway dashboard` prints.'),
    })
    .readonly(),
)

export const clients = named(
  'Clients',
  object({
    clients: list(client),
    isAsked: z.boolean().describe('Whether calls need a key of one of them.'),
    permissions: list(
      object({
        name: text,
        allows: text,
        isSet: z.boolean().describe('Whether it is several under one name.'),
        mayGrant: z.boolean().describe('Whether whoever asks may give it to a client.'),
      }),
    ).describe('All that a client can be given.'),
  }),
)
export type Clients = z.infer<typeof clients>

export const keyed = named('ClientWithKey', object({ client, key: text.describe('Shown this once.') }))
export type ClientWithKey = z.infer<typeof keyed>

const name = z.string(expected('a name')).describe('At most 64 letters, digits, dots, dashes, underscores.')
const team = z.string(expected('a name of a team')).max(64, expected('at most 64 characters')).nullable()
const names = z
  .array(z.string(expected('texts')), expected('a list of permissions'))
  .max(100, expected('at most 100'))
const globs = z
  .array(z.string(expected('names')), expected('a list of names'))
  .min(1, expected('a name, or null for all'))
  .max(100, expected('at most 100'))
  .nullable()
const tokens = z.int(expected('a whole number above 0, or null')).min(1).max(999_999_999).nullable()
const priority = z
  .union(
    [z.enum(['interactive', 'batch']), z.int().min(0).max(9)],
    expected('interactive, batch, a whole number from 0 (first) to 9 (last), or null'),
  )
  .nullable()
const future = z.int(expected('milliseconds since the Unix epoch, or null')).min(0).max(8.64e15).nullable()

const settings = {
  team: team.optional(),
  permissions: names.optional(),
  models: globs.optional(),
  targets: globs.optional(),
  maxTokens: tokens.optional(),
  priority: priority.optional(),
  expiresAt: future.optional(),
}

export const newClient = named('NewClient', z.strictObject({ name, ...settings }).readonly())
export type NewClient = z.infer<typeof newClient>

export const changedClient = named(
  'ChangedClient',
  z.strictObject(settings).readonly().describe('What is not named stays as it is; null lifts it.'),
)
export type ChangedClient = z.infer<typeof changedClient>

/** A hundred years, in milliseconds. */
const longest = 36_525 * 24 * 3_600_000

export const rotation = named(
  'Rotation',
  z
    .strictObject({
      overlap: z
        .int(expected('milliseconds'))
        .min(0, expected('milliseconds'))
        .max(longest, expected('less than a hundred years'))
        .default(24 * 3_600_000)
        .describe('How long the old key stays valid, in milliseconds; 0 ends it at once.'),
    })
    .readonly(),
)
export type Rotation = z.infer<typeof rotation>

export const noBody = z.strictObject({}).readonly()
