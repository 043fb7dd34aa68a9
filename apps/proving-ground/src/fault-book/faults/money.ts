import type { StatusFault } from '@spillway/testing'
import { type Effect, type FaultEntry, leftOut, permanent } from '../fault-entry.ts'
import { slack } from '../limits.ts'
import { type Shape, upstreamApi } from '../shape.ts'

const passes = { passes: true }

export type Vendor = 'anthropic' | 'openai'

/** A fault in the words of one vendor: Anthropic's, or OpenAI's and its compatible ones', in both of their protocols. */
export function ofVendor(vendor: Vendor, effect: Effect): (shape: Shape) => Effect {
  return (shape) =>
    (upstreamApi(shape) === 'anthropic') === (vendor === 'anthropic')
      ? effect
      : leftOut('The words and codes of a vendor come in its own protocol alone.')
}

function json(status: number, body: object, headers: Readonly<Record<string, string>> = {}): StatusFault {
  return { type: 'status', status, body: JSON.stringify(body), headers }
}

const group = 'Money that is used up'

function anthropic(name: string, status: number, message: string, more: object = {}): FaultEntry {
  const type = status === 400 ? 'invalid_request_error' : 'rate_limit_error'
  const body = { type: 'error', error: { type, message, ...more }, request_id: 'req_1' }
  return { name, group, fault: json(status, body), effect: ofVendor('anthropic', permanent(status, passes)) }
}

function openai(code: string): FaultEntry {
  const error = { message: 'You exceeded your current quota.', type: 'insufficient_quota', param: null, code }
  return {
    name: `status 429, ${code}`,
    group,
    fault: json(429, { error }),
    effect: ofVendor('openai', permanent(429, passes)),
  }
}

/** A key without money: nothing is wrong with the request, and asking again does not help. */
export const money: readonly FaultEntry[] = [
  {
    ...anthropic(
      'status 400, the credit balance is too low',
      400,
      'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.',
    ),
    complaint: 'anthropics/claude-code#85675',
  },
  anthropic(
    'status 400, the usage limit is reached until a date',
    400,
    'You have reached your specified API usage limits. You will regain access on 2099-01-01 at 00:00 UTC.',
  ),
  {
    ...anthropic(
      'status 400, the workspace’s usage limit is reached',
      400,
      'You have reached your specified workspace API usage limits. You will regain access on 2099-01-01 at 00:00 UTC.',
    ),
    complaint: 'anthropics/claude-code#38038',
  },
  {
    ...anthropic('status 400, the organization is disabled', 400, 'This organization has been disabled.'),
    complaint: 'anthropics/claude-code#72457',
  },
  anthropic('status 429, the spend limit of the tier is reached', 429, 'Monthly spend limit reached', {
    details: { error_code: 'enforced_spend_limit_reached' },
  }),
  ...[
    'insufficient_quota',
    'credit_balance_exhausted',
    'organization_usage_limit_exceeded',
    'project_spend_limit_exceeded',
  ].map(openai),
]

const requestGroup = 'Errors that concern one request'

/** OpenRouter's errors and a firewall's, which say nothing of the key. */
export const errorsOfOneRequest: readonly FaultEntry[] = [
  {
    name: 'status 403, the prompt is flagged',
    group: requestGroup,
    fault: json(403, {
      error: {
        code: 403,
        message: 'Your chosen model requires moderation and your input was flagged',
        metadata: { reasons: ['violence'], flagged_input: 'x', provider_name: 'p' },
      },
    }),
    effect: ofVendor('openai', permanent(403, { ...passes, callerError: true })),
  },
  {
    name: 'status 402, the balance does not cover this request',
    group: requestGroup,
    fault: json(402, {
      error: { code: 402, message: 'You requested up to 100000 tokens, but can only afford 100' },
    }),
    effect: ofVendor('openai', permanent(402, passes)),
  },
  {
    name: 'status 403 with the page of a firewall',
    group: requestGroup,
    fault: { type: 'status', status: 403, body: '<html>Blocked</html>', contentType: 'text/html' },
    effect: permanent(403, passes),
  },
  {
    name: 'status 429, the limit of the day, told in the body alone',
    group: requestGroup,
    fault: (epoch) =>
      json(429, {
        error: {
          code: 429,
          message: 'Rate limit exceeded: free-models-per-day',
          metadata: {
            headers: { 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': String(epoch + 21_600_000) },
          },
        },
      }),
    effect: ofVendor('openai', permanent(429, { ...passes, within: slack })),
  },
]
