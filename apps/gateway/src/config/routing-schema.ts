import { z } from 'zod'
import type { RoutingConfig } from './config.ts'
import { atLeastOne, duration, share, someShare, someTime, whole, yesOrNo } from './values.ts'

const aboveOne = z
  .number({ error: 'expected a number above 1' })
  .gt(1, { error: 'expected a number above 1' })

/** `false`, or settings. */
const unlessOff = <T extends z.ZodRawShape>(settings: z.ZodObject<T>) =>
  z.union([yesOrNo, settings], { error: 'expected true, false, or a mapping of settings' }).optional()

/** `routing` of a target. */
export const routing: z.ZodType<RoutingConfig> = z.strictObject({
  window: someTime.optional().describe('How far back failure rates and latencies look.'),
  decay: someTime
    .optional()
    .describe('After so long a high time to first token has lost two thirds of its weight.'),
  maxRetryAfter: someTime
    .optional()
    .describe("How long a vendor's 429 keeps calls from the endpoints of a key, whatever wait it names."),
  affinity: unlessOff(
    z.strictObject({
      maxConversations: whole
        .optional()
        .describe('Conversations that are remembered on another endpoint than usual.'),
      boundedLoad: atLeastOne
        .optional()
        .describe(
          'No new conversation goes to an endpoint with so many times its share of the calls in flight.',
        ),
    }),
  ).describe('How conversations stay on one endpoint, where their prompt cache is; false: they do not.'),
  ejection: unlessOff(
    z.strictObject({
      consecutiveFailures: whole.optional().describe('So many failures in a row.'),
      failureRate: someShare
        .optional()
        .describe('This share of calls, where it is twice that of the others.'),
      latencyFactor: aboveOne.optional().describe('So many times the time to first token of the others.'),
      minimumCalls: whole.optional().describe('Fewer calls in a window prove nothing.'),
      baseTime: someTime.optional().describe('The first ejection; each further one lasts twice as long.'),
      maxTime: someTime.optional().describe('The longest ejection.'),
      maxEjected: share.optional().describe('The share of endpoints that may be ejected at a time.'),
    }),
  ).describe('When an endpoint is ejected because it does worse than the others; false: never.'),
  keys: z
    .strictObject({
      baseTime: someTime.optional().describe('The first time; then twice as long each time.'),
      maxTime: someTime.optional().describe('Never longer.'),
      maxCallers: whole
        .optional()
        .describe('Keys of callers that are remembered while the vendor refuses them.'),
    })
    .optional()
    .describe('How long a key that the vendor refuses is not used.'),
  hedge: z
    .strictObject({
      after: z
        .union([duration, z.literal('p95')], { error: 'expected a duration such as 800ms, or p95' })
        .optional()
        .describe(
          'After so long, or the 95th percentile of the recent times to first token. p95 by default.',
        ),
      maxExtra: someShare
        .optional()
        .describe('Second attempts for each call, over all calls; 0.05 by default.'),
    })
    .optional()
    .describe('Asks another endpoint too where the first takes long. What it generates is paid for.'),
})
