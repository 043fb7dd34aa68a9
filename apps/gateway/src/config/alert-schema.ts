import { alertKinds } from '@spillway/gateway-api'
import { z } from 'zod'
import type { AlertConfig } from './config.ts'
import { duration, name, proxy, someTime } from './values.ts'

const referenceError =
  'expected env:NAME (an environment variable) or vault:NAME; an address that anyone can post to, and a secret, never belong in a configuration file'
const reference = z
  .string({ error: referenceError })
  .regex(/^(env:[A-Za-z_][A-Za-z0-9_]*|vault:[A-Za-z0-9._-]+)$/, { error: referenceError })

/** One of `alerts` of the file. */
const alert: z.ZodType<AlertConfig> = z.strictObject({
  to: z
    .enum(['webhook', 'slack'], { error: 'expected webhook or slack' })
    .describe('webhook: signed as standardwebhooks.com specifies; slack: an incoming webhook of Slack.'),
  name: name
    .optional()
    .describe(
      'What it is called in the log and in metrics, and the key by which gateways agree who sends it; kind and number by default.',
    ),
  url: reference.describe('env:NAME or vault:NAME: where to post. Redirects are not followed.'),
  secret: z
    .union([reference, z.array(reference).min(1)], {
      error: 'expected env:NAME or vault:NAME, or a list of them',
    })
    .optional()
    .describe(
      'With to: webhook, what signs: whsec_ and 24 to 64 bytes in base64. Of a list each signs, so that a secret can be replaced.',
    ),
  on: z
    .array(z.enum(alertKinds, { error: `expected one of ${alertKinds.join(', ')}` }), {
      error: 'expected a list of kinds',
    })
    .min(1, { error: 'expected at least one kind' })
    .optional()
    .describe('Kinds of alerts it gets; all except limit_closed and endpoint_ejected by default.'),
  after: duration.optional().describe('How long a problem has to last before an alert is sent.'),
  quietFor: someTime
    .optional()
    .describe(
      'How long a problem has to be over before the alert is resolved: one that returns earlier is the same incident.',
    ),
  proxy: proxy.describe(
    'The proxy to reach it through. By default what HTTPS_PROXY, HTTP_PROXY and NO_PROXY say; none for no proxy.',
  ),
})

/** `alerts` of the file. */
export const alerts: z.ZodType<readonly AlertConfig[] | undefined> = z
  .array(alert, { error: 'expected a list of receivers' })
  .max(20, { error: 'expected 20 receivers at most' })
  .optional()
