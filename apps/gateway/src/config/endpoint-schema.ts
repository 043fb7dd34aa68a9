import { whyNotForwarded } from '@spillway/wire/internal'
import { z } from 'zod'
import { endpointUrlProblem } from '../safe-url.ts'
import type { EndpointConfig } from './config.ts'
import { notAReference } from './credential-hints.ts'
import { pool } from './policy-schema.ts'
import { name, proxy, whole } from './values.ts'
import { venueApis } from './venue-config.ts'

const credentialError = 'expected env:NAME, vault:NAME, caller, or aws, google or azure'
const credential = z
  .string({ error: credentialError })
  .regex(/^(env:[A-Za-z_][A-Za-z0-9_]*|vault:[A-Za-z0-9._-]+|caller|aws|google|azure)$/, {
    error: ({ input }) => notAReference(input),
  })

const forwardedHeader = z.string({ error: 'expected the name of a header' }).check(({ value, issues }) => {
  const reason = whyNotForwarded(value)
  // Not by its name: a whole header, with its value, may have been put there.
  if (reason !== undefined)
    issues.push({ code: 'custom', input: undefined, message: `this ${reason}; it never goes upstream` })
})

/** Names of headers that hold a key at one vendor or another. */
const secretHeader = /(?:^|-)(?:api-?key|key|token|secret|password|signature|authorization)$/i

const fixedHeaders = z
  .record(
    z.string(),
    z.string({ error: 'expected a text' }).regex(/^[\t -~]*$/, { error: 'expected ASCII text in one line' }),
    {
      error: 'expected a mapping of names to values',
    },
  )
  .superRefine((headers, context) => {
    for (const header of Object.keys(headers)) {
      const isSecret = secretHeader.test(header) || whyNotForwarded(header)?.includes('credential')
      const reason = isSecret
        ? 'holds a credential: use credential: env:NAME or vault:NAME'
        : whyNotForwarded(header)
      if (reason !== undefined)
        context.addIssue({ code: 'custom', path: [header], message: `this ${reason}` })
    }
  })

const file = z.string({ error: 'expected the path of a file' }).min(1)

const part = (what: string, pattern: RegExp, such: string) =>
  z
    .string({ error: `expected ${such}` })
    .regex(pattern, { error: `expected ${such}` })
    .optional()
    .describe(what)

export const endpoint: z.ZodType<EndpointConfig> = z.strictObject({
  name: name.optional().describe('Its name in events and metrics; its number by default.'),
  api: z
    .enum(['anthropic', ...venueApis], { error: `expected one of anthropic, ${venueApis.join(', ')}` })
    .optional()
    .describe(
      "Where Claude is bought here, in a target with api: anthropic; Anthropic's own API by default.",
    ),
  weight: z
    .number({ error: 'expected a number above 0' })
    .positive()
    .optional()
    .describe('Its share beside the others; 1 by default.'),
  url: z
    .url({ protocol: /^https?$/, error: 'expected an http or https URL' })
    .superRefine((text, context) => {
      const message = endpointUrlProblem(text)
      if (message !== undefined) context.addIssue({ code: 'custom', message })
    })
    .optional()
    .describe(
      'The base URL, with or without /v1. Required, but where api is a cloud, whose own is the default.',
    ),
  region: part(
    'With api: bedrock, bedrock-mantle, claude-aws or vertex: the region.',
    /^[a-z][a-z0-9-]{0,40}$/,
    'a region such as us-east-1, or global for vertex',
  ),
  location: part(
    'With api: claude-google: the location.',
    /^[a-z][a-z0-9-]{0,40}$/,
    'a location such as global',
  ),
  project: part(
    'With api: vertex or claude-google: the id of the Google Cloud project.',
    /^[a-z0-9][a-z0-9.:-]{0,100}$/,
    'the id of a project such as my-project',
  ),
  workspace: part(
    'With api: claude-aws or claude-google: the workspace of Anthropic.',
    /^[\w-]{1,100}$/,
    'the id of a workspace such as wrkspc_1',
  ),
  resource: part(
    'With api: foundry: the name of the Azure resource.',
    /^[A-Za-z0-9][A-Za-z0-9-]{0,62}$/,
    'the name of a resource such as my-resource',
  ),
  credential: credential
    .optional()
    .describe(
      'env:NAME, vault:NAME, caller to pass on what the caller presents, or aws, google or azure for the default credentials of the cloud; none by default.',
    ),
  auth: z
    .enum(['x-api-key', 'bearer'], { error: 'expected x-api-key or bearer' })
    .optional()
    .describe('How the key is sent, where it is not as usual there.'),
  headers: fixedHeaders.optional().describe('Headers that each call has besides; never a credential.'),
  connections: whole
    .optional()
    .describe('Maximum number of connections to it in use; further calls wait. No limit by default.'),
  http2: z
    .boolean({ error: 'expected true or false' })
    .optional()
    .describe('Offer HTTP/2 where the endpoint speaks TLS: many streams on one connection.'),
  pool: pool.optional(),
  proxy: proxy.describe(
    'The proxy to go through. By default what HTTPS_PROXY, HTTP_PROXY and NO_PROXY say; none for no proxy.',
  ),
  tls: z
    .strictObject({
      ca: file.optional().describe('A file of certificates (PEM) that are trusted besides the public ones.'),
      cert: file.optional().describe('A file with the certificate (PEM) that the gateway shows.'),
      key: file.optional().describe('A file with the private key (PEM) of that certificate.'),
      passphrase: z
        .string({ error: 'expected env:NAME' })
        .regex(/^env:[A-Za-z_][A-Za-z0-9_]*$/, { error: 'expected env:NAME' })
        .optional()
        .describe('env:NAME: what opens the private key.'),
    })
    .optional()
    .describe('Whom it is trusted to be, and who the gateway is to it.'),
  forwardHeaders: z
    .array(forwardedHeader)
    .optional()
    .describe('Headers of callers that go to this endpoint besides those that its protocol defines.'),
})
