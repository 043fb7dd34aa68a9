import { whyNotForwarded } from '@spillway/wire'
import { z } from 'zod'
import { readHostPattern } from '../access/host-patterns.ts'
import { canonicalOrigin, originProblem } from '../access/origins.ts'
import { endpointUrlProblem } from '../safe-url.ts'
import { byteSizePattern, parseByteSize } from './byte-size.ts'
import type { Config } from './config.ts'
import { agePattern, durationPattern, parseAge, parseDuration } from './duration.ts'
import { pricesSchema } from './prices.ts'
import { vaultSchema } from './vault-schema.ts'

const duration = z
  .string({ error: 'expected a duration such as 250ms, 10s or 2m' })
  .regex(durationPattern, { error: 'expected a duration such as 250ms, 10s or 2m' })
  .transform((text) => parseDuration(text) as number)

const someTime = duration.refine((ms) => ms > 0, { error: 'expected a duration above 0' })

const limit = z
  .union([duration, z.literal('none').transform(() => Infinity)], {
    error: 'expected a duration such as 250ms, 10s or 2m, or none',
  })
  .optional()

/** A time for somebody else to get on. */
const patience = z
  .union([someTime, z.literal('none').transform(() => Infinity)], {
    error: 'expected a duration above 0 such as 30s or 2m, or none',
  })
  .optional()

const ageError = 'expected a length such as 90d or 12h, or forever'
const age = z
  .union(
    [
      z
        .string()
        .regex(agePattern)
        .transform((text) => parseAge(text) as number)
        .refine((ms) => ms > 0),
      z.literal('forever').transform(() => Infinity),
    ],
    { error: ageError },
  )
  .optional()

const share = z.number({ error: 'expected a number from 0 to 1' }).min(0).max(1)
const someShare = share.gt(0, { error: 'expected a number above 0, up to 1' })
const atLeastOne = z
  .number({ error: 'expected a number of 1 or more' })
  .min(1, { error: 'expected a number of 1 or more' })
const whole = z.int({ error: 'expected a whole number above 0' }).positive()

const sizeError = 'expected a number of bytes, or a size such as 512MiB or 1GB'
const byteSize = z
  .union(
    [
      z.int().positive(),
      z
        .string()
        .regex(byteSizePattern)
        .transform((text) => parseByteSize(text) as number),
    ],
    { error: sizeError },
  )
  .refine((bytes) => bytes >= 1024 * 1024, { error: 'expected at least 1MiB' })

const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, {
  error: 'expected a name of letters, digits, dots, dashes and underscores',
})

const timeouts = z
  .strictObject({
    total: limit,
    attempt: limit,
    connect: limit,
    headers: limit,
    firstContent: limit,
    idle: limit,
    stream: limit,
  })
  .describe('How long each phase of a call may take.')

const retry = z.strictObject({
  attempts: whole.optional(),
  baseDelay: duration.optional(),
  maxDelay: duration.optional(),
  maxWaitWithFallback: duration.optional(),
  budget: share.optional(),
})

const rateLimit = z.strictObject({
  requestsPerMinute: atLeastOne.optional(),
  requestsPerSecond: atLeastOne.optional(),
  inputTokensPerMinute: atLeastOne.optional(),
  outputTokensPerMinute: atLeastOne.optional(),
  concurrency: whole.optional(),
  countRequestsPerMinute: atLeastOne.optional(),
  countCacheReads: z.boolean({ error: 'expected true or false' }).optional(),
  maxWait: duration.optional(),
  maxWaitWithFallback: duration.optional(),
  groupBy: z
    .enum(['family', 'model', 'key'], { error: 'expected family, model or key' })
    .optional()
    .describe(
      'What the vendor limits by: each family of models (the default with api: anthropic), each model (openai), or the key (all others).',
    ),
  adaptiveConcurrency: z
    .strictObject({ initial: whole.optional(), min: whole.optional(), max: whole.optional() })
    .optional()
    .describe('Finds by itself how many calls at a time the upstream bears.'),
})

const circuitBreaker = z.strictObject({
  enabled: z.boolean({ error: 'expected true or false' }).optional(),
  window: someTime.optional(),
  minimumCalls: whole.optional(),
  failureRate: someShare.optional(),
  openFor: someTime.optional(),
  halfOpenProbes: whole.optional(),
  slowCall: someTime.optional(),
  slowCallRate: someShare.optional(),
})

const modelsError = 'expected a list of models, or lists of models by the model asked for'
const modelList = z.array(z.string().min(1)).min(1)

const modelRefusal = z
  .strictObject({
    models: z.union([modelList, z.record(z.string().min(1), modelList)], { error: modelsError }).optional(),
    credit: z.boolean().optional(),
    stayFor: duration.optional(),
    otherTargets: z.boolean().optional(),
  })
  .describe('Which other Claude models are asked when one declines.')

const routing = z.strictObject({
  affinity: z.boolean().optional(),
  hedge: z
    .strictObject({
      after: z
        .union([duration, z.literal('p95')], { error: 'expected a duration such as 800ms, or p95' })
        .optional(),
      maxExtra: someShare.optional(),
    })
    .optional(),
})

const capabilities = z.strictObject({
  contextTokens: whole.optional(),
  images: z.boolean().optional(),
  documents: z.boolean().optional(),
  tools: z.boolean().optional(),
})

const credential = z
  .string({ error: 'expected env:NAME, vault:NAME or caller' })
  .regex(/^(env:[A-Za-z_][A-Za-z0-9_]*|vault:[A-Za-z0-9._-]+|caller)$/, {
    error:
      'expected env:NAME (an environment variable), vault:NAME, or caller (whatever the caller presents); a key itself never stands in a configuration file',
  })

const auditKey = z.string().regex(/^(env:[A-Za-z_][A-Za-z0-9_]*|vault:[A-Za-z0-9._-]+)$/, {
  error: 'expected env:NAME or vault:NAME; a key itself never stands in a configuration file',
})

const forwardedHeader = z.string({ error: 'expected the name of a header' }).check(({ value, issues }) => {
  const reason = whyNotForwarded(value)
  // Not by its name: a whole header, with its value, may have been put there.
  if (reason !== undefined)
    issues.push({ code: 'custom', input: undefined, message: `this ${reason}; it never goes upstream` })
})

const endpoint = z.strictObject({
  name: name.optional(),
  weight: z.number({ error: 'expected a number above 0' }).positive().optional(),
  url: z
    .url({ protocol: /^https?$/, error: 'expected an http or https URL' })
    .superRefine((text, context) => {
      const message = endpointUrlProblem(text)
      if (message !== undefined) context.addIssue({ code: 'custom', message })
    }),
  credential: credential.optional(),
  connections: whole
    .optional()
    .describe(
      'Calls that may have a connection to it at the same time; further ones wait. No limit by default.',
    ),
  http2: z
    .boolean({ error: 'expected true or false' })
    .optional()
    .describe('Offer HTTP/2 where the endpoint speaks TLS: many streams on one connection.'),
  forwardHeaders: z
    .array(forwardedHeader)
    .optional()
    .describe('Headers of callers that go to this endpoint besides those that its protocol defines.'),
})

const target = z.strictObject({
  api: z.enum(['anthropic', 'openrouter', 'openai', 'ollama', 'embedded'], {
    error: 'expected one of anthropic, openrouter, openai, ollama, embedded',
  }),
  endpoints: z.array(endpoint).min(1, { error: 'expected at least one endpoint' }).optional(),
  model: z
    .string()
    .min(1)
    .optional()
    .describe('Every request on this target uses it; with api: embedded, the path of a .gguf file.'),
  timeouts: timeouts.optional(),
  retry: retry.optional(),
  rateLimit: rateLimit.optional(),
  circuitBreaker: circuitBreaker.optional(),
  routing: routing.optional().describe('How calls are spread over the endpoints.'),
  capabilities: capabilities
    .optional()
    .describe('What the model takes, where you know better than the table.'),
  openrouter: z
    .strictObject({
      models: z.array(z.string()).optional(),
      provider: z.record(z.string(), z.unknown()).optional(),
    })
    .optional()
    .describe("OpenRouter's own routing fields, added to requests that have not set them."),
  dialect: z
    .enum(['openai', 'openai-compatible', 'deepseek', 'groq', 'mistral', 'openrouter', 'local'], {
      error: 'expected one of openai, openai-compatible, deepseek, groq, mistral, openrouter, local',
    })
    .optional()
    .describe(
      "With api: openai, what the server takes of translated requests: OpenAI's newest fields, those that all compatible servers take, or a vendor's. By default told by the host of the endpoint.",
    ),
  includeUsage: z
    .boolean({ error: 'expected true or false' })
    .optional()
    .describe('Ask openai and ollama for the usage of streams, which else is estimated. true by default.'),
  prices: pricesSchema.optional(),
})

const route = z.strictObject({
  models: z.string().min(1).describe('A model name; * stands for any characters.'),
  target: name,
  fallback: z.array(name).default([]),
})

const allowedHost = z.string({ error: 'expected a text' }).superRefine((text, context) => {
  if (readHostPattern(text) !== undefined) return
  const message =
    text === '*'
      ? '* would let every name that points to this machine through, which is what web pages use to pose as your own; name the hosts, such as gateway.internal or *.example.com'
      : 'expected the name or address of a host, such as gateway.internal, *.example.com or 10.0.0.5, with or without a port; no scheme, no path'
  context.addIssue({ code: 'custom', message })
})

const allowedOrigin = z
  .string({ error: 'expected a text' })
  .superRefine((text, context) => {
    const message = originProblem(text)
    if (message !== undefined) context.addIssue({ code: 'custom', message })
  })
  .transform((text) => canonicalOrigin(text) ?? text)

const notAHost = 'expected a host name or an address, such as 127.0.0.1'

const server = z.strictObject({
  host: z
    .string({ error: notAHost })
    .regex(/^[\w.:%[\]-]*$/, { error: notAHost })
    .default('127.0.0.1'),
  port: z.int({ error: 'expected a port from 0 to 65535' }).min(0).max(65535).default(8787),
  auth: z.enum(['none', 'keys'], { error: 'expected none or keys' }).default('none'),
  keepAliveAfter: duration.optional(),
  allowedHosts: z
    .array(allowedHost, { error: 'expected a list of hosts' })
    .optional()
    .describe('Names under which clients reach the gateway, beside localhost, its address and server.host.'),
  allowedOrigins: z
    .array(allowedOrigin, { error: 'expected a list of origins' })
    .optional()
    .describe('Origins whose web pages may use the gateway, beside its own dashboard.'),
  exposed: z
    .boolean({ error: 'expected true or false' })
    .optional()
    .describe('That other machines can reach the gateway is meant, though it does not authenticate clients.'),
  fingerprintKey: z
    .string()
    .regex(/^(env:[A-Za-z_][A-Za-z0-9_]*|vault:[A-Za-z0-9._-]+)$/, {
      error:
        'expected env:NAME (an environment variable) or vault:NAME; a key itself never stands in a configuration file',
    })
    .optional()
    .describe("The key that fingerprints of callers' keys are made with; gateways with the same one agree."),
  maxInFlightBytes: byteSize
    .optional()
    .describe('Bytes of requests that are held at a time; requests beyond that are refused with 529.'),
  maxConnections: whole.optional().describe('Connections at a time; more are closed at once.'),
  stallTimeout: patience.describe('How long a client may take none of what is written to it.'),
  bodyTimeout: patience.describe('How long a client may send nothing of a request body that it has begun.'),
  log: z
    .strictObject({
      format: z.enum(['pretty', 'json'], { error: 'expected pretty or json' }).optional(),
      level: z.enum(['error', 'warn', 'info'], { error: 'expected error, warn or info' }).optional(),
      file: z.string({ error: 'expected the path of a file' }).min(1).optional(),
    })
    .optional()
    .describe(
      'How the gateway says what happens: pretty for people or json for machines, from which level, in which file.',
    ),
})

/** The configuration file. */
export const configSchema: z.ZodType<Config> = z.strictObject({
  server: server.prefault({}),
  targets: z
    .record(name, target, { error: 'expected a mapping of names to targets' })
    .refine((targets) => Object.keys(targets).length > 0, { error: 'expected at least one target' }),
  routes: z
    .array(route, { error: 'expected a list of routes' })
    .min(1, { error: 'expected at least one route' }),
  tenants: z
    .strictObject({ rateLimit: rateLimit.optional() })
    .optional()
    .describe('What holds for each caller by itself, told by the key that it presents.'),
  timeouts: timeouts.optional(),
  retry: retry.optional(),
  rateLimit: rateLimit.optional(),
  circuitBreaker: circuitBreaker.optional(),
  fallback: z
    .strictObject({
      reserve: duration.optional(),
      midStream: z
        .enum(['fail', 'restart', 'continue'], { error: 'expected fail, restart or continue' })
        .optional(),
      refusal: modelRefusal.optional(),
    })
    .optional(),
  vault: vaultSchema
    .optional()
    .describe('The encrypted file in which vault:NAME is looked up, and what opens it.'),
  mirror: z
    .array(
      z.strictObject({
        from: name,
        to: name,
        sample: share,
        concurrency: whole.optional(),
        callsPerMinute: atLeastOne.optional(),
      }),
    )
    .optional()
    .describe(
      'A share of the calls of one target also goes to another, apart from the caller, and is compared.',
    ),
  storage: z
    .strictObject({
      url: z
        .string()
        .regex(/^(sqlite:.+|postgres(ql)?:\/\/.+|env:[A-Za-z_][A-Za-z0-9_]*)$/, {
          error:
            'expected sqlite:FILE, postgres://…, or env:NAME for an environment variable that holds one of these',
        })
        .describe('Where the ledger and the audit log are kept.'),
      journal: z
        .string()
        .min(1)
        .optional()
        .describe('A folder of this gateway alone for what waits while the database is away.'),
      auditKey: z
        .union([auditKey, z.array(auditKey).min(1)], {
          error: 'expected env:NAME or vault:NAME, or a list of them, the newest first',
        })
        .optional()
        .describe(
          'Signs the audit log: env:NAME or vault:NAME, 32 characters or more; in a list the first one signs, and those that it replaced follow.',
        ),
      retention: z
        .strictObject({
          calls: age.describe('How long calls are kept one by one.'),
          sums: age.describe('How long the sums are kept that the dashboard and bills are read from.'),
          audit: age.describe('How long entries of the audit log are kept.'),
        })
        .optional()
        .describe('What is removed by itself, and when.'),
    })
    .optional(),
  state: z
    .strictObject({
      redis: z
        .string()
        .regex(/^rediss?:\/\//, { error: 'expected a URL such as redis://127.0.0.1:6379' })
        .optional(),
    })
    .optional(),
  telemetry: z
    .strictObject({
      otlp: z
        .url({ protocol: /^https?$/, error: 'expected an http or https URL, such as http://127.0.0.1:4318' })
        .nullable()
        .optional(),
      captureContent: z.boolean().optional(),
    })
    .optional(),
})
