import { z } from 'zod'
import type {
  CircuitBreakerConfig,
  PoolConfig,
  RateLimitConfig,
  RetryConfig,
  TimeoutsConfig,
} from './config.ts'
import { atLeastOne, count, duration, limit, share, someShare, someTime, whole, yesOrNo } from './values.ts'

/** `timeouts` of the file and of a target. */
export const timeouts: z.ZodType<TimeoutsConfig> = z
  .strictObject({
    total: limit.describe('The whole call, over all targets, until its first content.'),
    attempt: limit.describe('One attempt, until its first content.'),
    connect: limit.describe('A new connection.'),
    headers: limit.describe('The headers of a stream of a vendor that answers promptly.'),
    firstContent: limit.describe('The first content, or a block that opens.'),
    idle: limit.describe('Between two signs of life of a stream.'),
    stream: limit.describe('A whole stream.'),
  })
  .describe('How long each phase of a call may take.')

const jitters = ['full', 'equal', 'decorrelated', 'none'] as const

/** `retry` of the file and of a target. */
export const retry: z.ZodType<RetryConfig> = z
  .strictObject({
    attempts: whole.optional().describe('Attempts of a call at one target, the first included.'),
    baseDelay: duration.optional().describe('The first backoff, before jitter.'),
    maxDelay: duration.optional().describe('The longest backoff, unless retry-after asks for more.'),
    minDelay: duration.optional().describe('The shortest wait.'),
    multiplier: atLeastOne.optional().describe('Growth factor between two backoffs.'),
    jitter: z
      .enum(jitters, { error: `expected one of ${jitters.join(', ')}` })
      .optional()
      .describe('How jitter is applied to the waits.'),
    maxWaitWithFallback: duration
      .optional()
      .describe('The longest wait where a fallback can answer; else that one is asked at once.'),
    budget: share.optional().describe('Retries for each first attempt, over all calls of a target.'),
  })
  .describe('When a failed attempt is repeated.')

const priority = z
  .record(
    z.string().min(1),
    z.int({ error: 'expected a whole number from 0 (first) to 9 (last)' }).min(0).max(9),
    { error: 'expected a mapping of models to numbers from 0 (first) to 9 (last)' },
  )
  .optional()
  .describe(
    'Which calls wait less, by patterns of the model that is asked for: 0 goes first, 9 last; the first pattern that matches holds. 5 where none does.',
  )

/** `rateLimit` of the file, of a target and of tenants. */
export const rateLimit: z.ZodType<RateLimitConfig> = z
  .strictObject({
    requestsPerMinute: atLeastOne.optional().describe('Requests in any 60 s.'),
    requestsPerSecond: atLeastOne.optional().describe('Requests in any second.'),
    inputTokensPerMinute: atLeastOne.optional().describe('Input tokens in any 60 s.'),
    outputTokensPerMinute: atLeastOne.optional().describe('Output tokens in any 60 s.'),
    concurrency: whole
      .optional()
      .describe(
        'Calls in flight at a time. With api: embedded, calls that are answered at a time; 2 by default.',
      ),
    countRequestsPerMinute: atLeastOne.optional().describe('Requests to count tokens in any 60 s.'),
    countCacheReads: yesOrNo
      .optional()
      .describe('Whether tokens that are read from a cache count; by default with api: openai.'),
    maxWait: duration.optional().describe('How long a call waits for capacity.'),
    maxWaitWithFallback: duration.optional().describe('The same where a fallback can answer.'),
    maxQueued: whole.optional().describe('Maximum number of waiting calls; further ones are refused.'),
    priority,
    ageing: someTime.optional().describe('After so long a waiting call goes ahead by one priority.'),
    maxKeys: whole.optional().describe('Keys, or callers, whose limits are remembered at a time.'),
    maxRetryAfter: someTime.optional().describe("Upper bound of the retry-after of a vendor's 429."),
    groupBy: z
      .enum(['family', 'model', 'key'], { error: 'expected family, model or key' })
      .optional()
      .describe(
        'What the vendor limits by: each family of models (the default with api: anthropic), each model (openai), or the key (all others).',
      ),
    adaptiveConcurrency: z
      .strictObject({
        initial: whole.optional().describe('The initial limit.'),
        min: whole.optional().describe('The limit never goes below this.'),
        max: whole.optional().describe('The limit never goes above this.'),
        tolerance: atLeastOne
          .optional()
          .describe('How many times the unloaded time to first token counts as unloaded.'),
        measureEvery: someTime.optional().describe('How long a measured unloaded time holds.'),
      })
      .optional()
      .describe('Adapts the concurrency to what the upstream can take.'),
  })
  .describe('How many calls and tokens a key may use.')

/** `circuitBreaker` of the file and of a target. */
export const circuitBreaker: z.ZodType<CircuitBreakerConfig> = z
  .strictObject({
    enabled: yesOrNo.optional().describe('false: no circuits.'),
    window: someTime.optional().describe('How far back calls count.'),
    minimumCalls: whole.optional().describe('A circuit with fewer calls in its window never opens.'),
    failureRate: someShare.optional().describe('A circuit opens when this share of its calls has failed.'),
    openFor: someTime.optional().describe('How long an open circuit refuses calls.'),
    halfOpenProbes: whole.optional().describe('Number of probes of a half-open circuit.'),
    probeTimeout: someTime.optional().describe('After so long a probe releases its slot to another call.'),
    slowCallThreshold: someTime
      .optional()
      .describe('Time to first content above which a stream counts as slow.'),
    slowCallRate: someShare.optional().describe('A circuit opens when this share of its streams is slow.'),
    maxKeys: whole
      .optional()
      .describe('Circuits (models, and callers who bring keys) that are kept for an endpoint.'),
  })
  .describe('When calls to a failing endpoint stop for a while.')

/** `pool` of an endpoint. */
export const pool: z.ZodType<PoolConfig> = z
  .strictObject({
    maxQueued: count.optional().describe('Calls that wait for a connection at a time.'),
    maxWait: duration.optional().describe('How long a call waits for a connection.'),
    maxWaitWithFallback: duration.optional().describe('The same where a fallback can answer.'),
    keepAliveTimeout: duration.optional().describe('How long an idle connection stays open.'),
  })
  .describe('How calls wait for connections, where their number is limited, and how long these are kept.')
