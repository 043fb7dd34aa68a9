import { z } from 'zod'
import type { VaultConfig } from './config.ts'
import { duration, proxy, someTime, yesOrNo } from './values.ts'

const text = z.string({ error: 'expected a text' }).min(1, { error: 'expected a text that is not empty' })

const variable = z.string({ error: 'expected env:NAME' }).regex(/^env:[A-Za-z_][A-Za-z0-9_]*$/, {
  error: 'expected env:NAME (an environment variable); a secret itself never belongs in a configuration file',
})

const token = z
  .string({ error: 'expected env:NAME or file:PATH' })
  .regex(/^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$/, {
    error:
      'expected env:NAME (an environment variable) or file:PATH; a token itself never belongs in a configuration file',
  })

const httpUrl = z.url({ protocol: /^https?$/, error: 'expected an http or https URL' }).refine(
  (url) => {
    const { username, password, search } = new URL(url)
    return username === '' && password === '' && search === ''
  },
  { error: 'expected an address without user, password and query' },
)

const kinds = ['age', 'passphrase', 'kms', 'transit', 'keychain', 'identity'] as const

type Kind = VaultConfig['kind']

/** Which keys each kind knows, besides those of all. */
const keysOf: Readonly<Record<Kind, readonly string[]>> = {
  age: ['keyFile', 'identity'],
  passphrase: ['keyFile', 'passphrase', 'workFactor'],
  kms: ['key', 'region', 'endpoint', 'direct', 'requestTimeout', 'proxy'],
  transit: ['url', 'key', 'token', 'mount', 'namespace', 'requestTimeout', 'proxy'],
  keychain: ['service', 'account'],
}

/** What has to be there: of each list, one. */
const neededBy: Readonly<Record<Kind, readonly (readonly string[])[]>> = {
  age: [['keyFile', 'identity']],
  passphrase: [['keyFile', 'passphrase']],
  kms: [['key']],
  transit: [['url'], ['key'], ['token']],
  keychain: [],
}

const ofAll: readonly string[] = ['kind', 'file', 'context', 'required', 'environment', 'cache']

/** The `vault` of a configuration. */
export const vaultSchema: z.ZodType<VaultConfig> = z
  .strictObject({
    kind: z
      .enum(kinds, { error: 'expected one of age, passphrase, kms, transit, keychain' })
      .default('age')
      // An earlier name.
      .transform((kind) => (kind === 'identity' ? 'age' : kind))
      .describe('What seals the file: age by default.'),
    file: text.describe('The encrypted file.'),
    required: yesOrNo
      .optional()
      .describe('false: the gateway starts though the vault cannot be opened, and says so. true by default.'),
    environment: text
      .optional()
      .describe(
        'What this gateway runs in; secrets of another environment are refused. SPILLWAY_ENV, else NODE_ENV, else development by default.',
      ),
    cache: z
      .strictObject({
        keepFor: duration
          .optional()
          .describe('How long secrets are kept in memory before they are read again.'),
        refreshAhead: duration
          .optional()
          .describe('How long before that they are read again in the background.'),
        checkEvery: someTime
          .optional()
          .describe('How often it is looked whether another process has changed the vault.'),
        grace: duration.optional().describe('How long a version that has been replaced stays usable.'),
      })
      .optional()
      .describe('How secrets are kept in memory.'),
    context: z
      .record(z.string().min(1), text, { error: 'expected a mapping of names to texts' })
      .optional()
      .describe(
        'What the vault is bound to: the EncryptionContext of KMS, associated data for transit. Not secret.',
      ),
    keyFile: text.optional().describe('age and passphrase: the file with the identity or the passphrase.'),
    identity: variable.optional().describe('age: the variable with the identity, in place of keyFile.'),
    passphrase: variable
      .optional()
      .describe('passphrase: the variable with the passphrase, in place of keyFile.'),
    workFactor: z
      .int({ error: 'expected a whole number from 1 to 20' })
      .min(1, { error: 'expected a whole number from 1 to 20' })
      .max(20, { error: 'expected a whole number from 1 to 20' })
      .optional()
      .describe('passphrase: the cost of guessing, as a power of two; 18 by default.'),
    key: text.optional().describe('kms: key id, ARN or alias; transit: the name of the key.'),
    region: text.optional().describe("kms: else the SDK's own, AWS_REGION or the profile's."),
    endpoint: httpUrl.optional().describe("kms: another endpoint than the region's."),
    direct: yesOrNo
      .optional()
      .describe('kms: seal by KMS itself, without a data key; up to 4096 bytes. false by default.'),
    url: httpUrl.optional().describe('transit: the server.'),
    token: token.optional().describe('transit: env:NAME, or file:PATH, read with each request.'),
    mount: text.optional().describe('transit: where the engine is mounted; transit by default.'),
    namespace: text.optional().describe('transit: a namespace of Vault Enterprise or OpenBao.'),
    requestTimeout: someTime
      .optional()
      .describe('kms and transit: how long one request may take; 5s by default.'),
    proxy: proxy.describe(
      'kms and transit: the proxy to go through; what HTTPS_PROXY, HTTP_PROXY and NO_PROXY say by default, none for no proxy.',
    ),
    service: text.optional().describe('keychain: spillway by default.'),
    account: text.optional().describe('keychain: the name of the entry; vault by default.'),
  })
  .superRefine((vault, context) => {
    const { kind } = vault
    const complain = (path: PropertyKey[], message: string): void =>
      context.addIssue({ code: 'custom', path, message })
    for (const key of Object.keys(vault)) {
      if (vault[key as keyof typeof vault] === undefined) continue
      if (ofAll.includes(key) || keysOf[kind].includes(key)) continue
      const owners = Object.entries(keysOf).filter(([, keys]) => keys.includes(key))
      complain([key], `this is for kind: ${owners.map(([name]) => name).join(' and ')}, not for ${kind}`)
    }
    for (const choice of neededBy[kind]) {
      const given = choice.filter((key) => vault[key as keyof typeof vault] !== undefined)
      if (given.length === 0) complain([], `kind: ${kind} needs ${choice.join(' or ')}`)
      if (given.length > 1) complain([given[1] as string], `${given.join(' and ')}: one of them is enough`)
    }
  })
