import { z } from 'zod'
import { alerts } from './alert-schema.ts'
import { budgets } from './budgets-schema.ts'
import type { Config } from './config.ts'
import { endpoint } from './endpoint-schema.ts'
import { circuitBreaker, rateLimit, retry, timeouts } from './policy-schema.ts'
import { pricesSchema } from './prices.ts'
import { routing } from './routing-schema.ts'
import { server } from './server-schema.ts'
import { state, storage, telemetry } from './storage-schema.ts'
import {
  atLeastOne,
  byteSize,
  count,
  duration,
  name,
  priority,
  share,
  someTime,
  whole,
  yesOrNo,
} from './values.ts'
import { vaultSchema } from './vault-schema.ts'

const modelsError = 'expected a list of models, or lists of models by the model asked for'
const modelList = z.array(z.string().min(1)).min(1)

const modelRefusal = z
  .strictObject({
    models: z
      .union([modelList, z.record(z.string().min(1), modelList)], { error: modelsError })
      .optional()
      .describe(
        'In their order, or lists of them by patterns of the model asked for; as the vendor publishes them by default.',
      ),
    credit: yesOrNo.optional().describe("Whether the vendor's credit for what was declined is used."),
    stayFor: duration.optional().describe('How long a conversation stays with the model that answered.'),
    otherTargets: yesOrNo
      .optional()
      .describe('Whether the fallbacks of the route are asked where all models decline.'),
  })
  .describe('Which other Claude models are asked when one declines.')

const capabilities = z.strictObject({
  contextTokens: whole.optional().describe('Tokens of prompt and answer together.'),
  images: yesOrNo.optional().describe('Whether it takes images.'),
  documents: yesOrNo.optional().describe('Whether it takes documents.'),
  tools: yesOrNo.optional().describe('Whether it takes tools.'),
})

const target = z.strictObject({
  api: z
    .enum(['anthropic', 'openrouter', 'openai', 'ollama', 'embedded'], {
      error: 'expected one of anthropic, openrouter, openai, ollama, embedded',
    })
    .describe('The protocol that it speaks.'),
  endpoints: z
    .array(endpoint)
    .min(1, { error: 'expected at least one endpoint' })
    .optional()
    .describe('Where it is; calls are spread over several.'),
  model: z
    .string()
    .min(1)
    .optional()
    .describe('Every request on this target uses it; with api: embedded, the path of a .gguf file.'),
  models: z
    .record(z.string().min(1), z.record(z.string().min(1), z.string().min(1)), {
      error: 'expected names of models, each with its ids by the name or the api of endpoints',
    })
    .optional()
    .describe(
      'What models are called at endpoints where the usual names do not suffice: ids by the name or the api of an endpoint.',
    ),
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
      models: z.array(z.string()).optional().describe('Which models it may fall back to.'),
      provider: z.record(z.string(), z.unknown()).optional().describe('Its provider preferences.'),
    })
    .optional()
    .describe("OpenRouter's own routing fields, added to requests that have not set them."),
  embedded: z
    .strictObject({
      maxQueued: count
        .optional()
        .describe('Maximum number of calls that wait for the model; further ones are refused.'),
      maxThreads: count.optional().describe('Threads that compute; 0 for all that the machine has.'),
      gpu: z
        .union([z.literal(false), z.enum(['auto', 'metal', 'cuda', 'vulkan'])], {
          error: 'expected false, auto, metal, cuda or vulkan',
        })
        .optional()
        .describe('Where to compute; needs "spillway local install --gpu KIND".'),
      thinkingTokens: count.optional().describe('Tokens that a model may spend on thinking aloud.'),
    })
    .optional()
    .describe(
      'With api: embedded, how the model runs. rateLimit.concurrency is how many calls it answers at a time, capabilities.contextTokens its context.',
    ),
  dialect: z
    .enum(['openai', 'openai-compatible', 'deepseek', 'groq', 'mistral', 'openrouter', 'local'], {
      error: 'expected one of openai, openai-compatible, deepseek, groq, mistral, openrouter, local',
    })
    .optional()
    .describe(
      "With api: openai, what the server takes of translated requests: OpenAI's newest fields, those that all compatible servers take, or a vendor's. By default told by the host of the endpoint.",
    ),
  responses: z
    .union([z.boolean(), z.literal('only')], { error: 'expected true, false or only' })
    .optional()
    .describe(
      'With api: openai, whether the server has the Responses API itself, so that its callers reach it byte for byte; only, where all calls take that way, for models that chat completions do not have. By default true where the dialect is openai.',
    ),
  includeUsage: z
    .boolean({ error: 'expected true or false' })
    .optional()
    .describe('Ask openai and ollama for the usage of streams, which else is estimated. true by default.'),
  prices: pricesSchema.optional().describe('What its models cost; these replace the published prices.'),
})

const tenantNames = z.record(
  z.string().regex(/^key-[\w-]{22}$/, {
    error:
      'expected the fingerprint of a key as the dashboard shows it, such as key-a03f61bb20c4Xk2_q9ZtVw; a key itself never belongs in a configuration file',
  }),
  z
    .string()
    .trim()
    .min(1, { error: 'expected a name' })
    .max(100, { error: 'expected at most 100 characters' }),
  { error: 'expected a mapping of fingerprints to names' },
)

const route = z.strictObject({
  models: z.string().min(1).describe('A model name; * matches any characters.'),
  target: name.describe('Who is asked first.'),
  fallback: z.array(name).default([]).describe('Who is asked in their order when that fails.'),
  priority: priority
    .optional()
    .describe(
      'Of its calls, where they are less important than their clients say: interactive, batch, or 0 (goes first) to 9 (goes last, shed first).',
    ),
})

/** The configuration file. */
export const configSchema: z.ZodType<Config> = z.strictObject({
  server: server
    .prefault({} as never)
    .describe('Where it listens, who may use it, and what it holds for them.'),
  targets: z
    .record(name, target, { error: 'expected a mapping of names to targets' })
    .refine((targets) => Object.keys(targets).length > 0, { error: 'expected at least one target' })
    .describe('Who can answer, by names of your own.'),
  routes: z
    .array(route, { error: 'expected a list of routes' })
    .min(1, { error: 'expected at least one route' })
    .describe('Who answers what: the first route that matches serves a call.'),
  tenants: z
    .strictObject({
      rateLimit: rateLimit.optional(),
      names: tenantNames
        .optional()
        .describe(
          'Names that the dashboard and its exports show for callers that present their own keys, by their fingerprints: key-…: Billing.',
        ),
    })
    .optional()
    .describe('Limits and names of callers, identified by the key that they present.'),
  budgets: budgets.optional(),
  timeouts: timeouts.optional(),
  retry: retry.optional(),
  rateLimit: rateLimit.optional(),
  circuitBreaker: circuitBreaker.optional(),
  fallback: z
    .strictObject({
      reserve: duration.optional().describe('Time kept back for the fallbacks.'),
      midStream: z
        .enum(['fail', 'restart', 'continue'], { error: 'expected fail, restart or continue' })
        .optional()
        .describe('What happens to a stream that is interrupted after its first content.'),
      refusal: modelRefusal.optional(),
    })
    .optional()
    .describe('How calls are passed to the next target.'),
  vault: vaultSchema
    .optional()
    .describe('The encrypted file in which vault:NAME is looked up, and what opens it.'),
  mirror: z
    .array(
      z.strictObject({
        from: name.describe('The target whose calls are repeated.'),
        to: name.describe('The candidate.'),
        sample: share.describe('The share of calls that also go there.'),
        concurrency: whole
          .optional()
          .describe('Candidate calls in flight at a time; further ones are dropped.'),
        callsPerMinute: atLeastOne
          .optional()
          .describe('Candidate calls started in any 60 s; further ones are dropped.'),
        timeout: someTime.optional().describe('How long a candidate may take for a whole call.'),
        maxBytes: byteSize
          .optional()
          .describe("How much of a candidate's stream is read before it is cancelled."),
      }),
    )
    .optional()
    .describe(
      'A share of the calls of one target also goes to another, apart from the caller, and is compared.',
    ),
  storage: storage.describe('Where calls, costs and the audit log are kept; in memory by default.'),
  alerts: alerts.describe('Receivers of alerts and their resolution; see "spillway alerts".'),
  state: state.describe('What is shared with other gateways.'),
  telemetry: telemetry.describe('Spans and metrics.'),
})
