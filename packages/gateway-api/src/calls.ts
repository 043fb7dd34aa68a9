import { z } from 'zod'
import { tokenCounts } from './sums.ts'
import { duration, integer, list, money, named, object, tenantName, text, time } from './values.ts'

export const callRow = named(
  'CallRow',
  object({
    id: text.describe('As `x-spillway-call-id` has it.'),
    at: time,
    tenant: text.nullable(),
    tenantName,
    session: text.nullable(),
    model: text.describe('As it was asked for.'),
    modelAnswered: text.nullable(),
    target: text.nullable().describe('Who answered.'),
    stream: z.boolean(),
    attempts: integer,
    fallback: text.nullable().describe('Why the first target was left, where another was asked.'),
    failure: text.nullable(),
    status: integer.nullable().describe('As the caller got it.'),
    firstContentMs: duration.nullable(),
    totalMs: duration,
    tokens: tokenCounts,
    estimated: z.boolean(),
    costNano: money.nullable().describe('Null where no attempt has a price.'),
  }),
)
export type CallRow = z.infer<typeof callRow>

export const calls = named(
  'Calls',
  object({ calls: list(callRow), next: text.optional().describe('Pass as `before` for the next page.') }),
)
export type Calls = z.infer<typeof calls>

export const attempt = named(
  'Attempt',
  object({
    number: integer,
    role: text.describe('primary, retry, hedge, fallback or mirror'),
    at: time,
    target: text.nullable(),
    endpoint: text.nullable(),
    provider: text,
    modelAsked: text,
    modelAnswered: text.nullable(),
    failure: text.nullable(),
    status: integer.nullable(),
    code: text.nullable().describe("The vendor's code of the failure."),
    requestId: text.nullable().describe("The vendor's id of the request, where it failed."),
    message: text
      .nullable()
      .describe('What the vendor said; kept in memory alone, for the latest calls with problems.'),
    stopReason: text.nullable(),
    firstContentMs: duration.nullable(),
    totalMs: duration,
    tokens: tokenCounts,
    estimated: z.boolean(),
    costNano: money.nullable(),
  }),
)
export type Attempt = z.infer<typeof attempt>

export const callStory = named(
  'CallStory',
  object({
    call: callRow,
    api: text.describe('The protocol of the caller; the cloud, where it calls in the form of one.'),
    operation: text,
    stopReason: text.nullable(),
    attempts: list(attempt).describe('In the order of their starts, mirrors included.'),
    refusals: list(object({ target: text.nullable(), failure: text, message: text })).describe(
      "Spillway's own, such as an open circuit; kept in memory alone.",
    ),
    waits: list(
      object({
        target: text.nullable(),
        why: z.enum(['limit', 'retry']).describe('For capacity within the limits, or before a retry.'),
        at: time,
        ms: duration,
      }),
    ).describe('What it had to wait for, in order; kept in memory alone.'),
    losses: list(text).describe(
      'What requests and answers lost on their way to a target that can do less, as in `x-spillway-degraded`; kept in memory alone.',
    ),
    isRemembered: z.boolean().describe('Whether what is kept in memory alone is still there.'),
    hasContent: z.boolean().describe('Whether `/api/calls/{id}/content` has what was said.'),
  }),
)
export type CallStory = z.infer<typeof callStory>

export const callContent = named(
  'CallContent',
  object({
    messages: list(object({ role: text, text })).describe(
      'The prompt: its system prompt and its newest messages, without pictures, documents and what tools are called with.',
    ),
    answer: text.nullable().describe('Null where nothing was answered.'),
    isCut: z.boolean().describe('Whether more was said than is kept of a call.'),
  }),
)
export type CallContent = z.infer<typeof callContent>
