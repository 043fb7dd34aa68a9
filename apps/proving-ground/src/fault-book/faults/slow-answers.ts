import { answers, breaks, type FaultEntry, leftOut, transient } from '../fault-entry.ts'
import { limits, slack } from '../limits.ts'

const group = 'Slow answers'
const onlyStreams = 'Keep-alives exist only in streams.'
const late = transient(504, { timeout: true, closedAfter: limits.headers + slack })

/** A body that comes to a halt. */
export const stall: FaultEntry = {
  name: 'stalls in the body',
  group,
  fault: { type: 'stall', afterChunks: 3, ms: Infinity },
  effect: ({ body }) => (body === 'json' ? late : { ...breaks, closedAfter: limits.idle + slack }),
  complaint: 'BerriAI/litellm#40404',
}

/** Slow answers within their limits, and slow ones beyond. */
export const slowAnswers: readonly FaultEntry[] = [
  { name: 'headers after 100 ms', group, fault: { type: 'slow-headers', ms: 100 }, effect: answers },
  {
    name: 'headers never',
    group,
    fault: { type: 'slow-headers', ms: Infinity },
    effect: late,
    twice: true,
  },
  {
    name: 'headers never, attempts longer than the deadline',
    group,
    fault: { type: 'slow-headers', ms: Infinity },
    effect: transient(504, { timeout: true, closedAfter: 2_000 + slack, within: limits.total + slack }),
    complaint: 'openai/openai-python#3828',
    attemptLimit: 2_000,
    onlyAlways: true,
  },
  {
    name: 'first token after 100 ms',
    group,
    fault: { type: 'slow-first-token', ms: 100 },
    effect: answers,
  },
  {
    name: 'first token after 150 ms of pings',
    group,
    fault: { type: 'slow-first-token', ms: 150, pings: 30 },
    effect: ({ body }) => (body === 'json' ? leftOut(onlyStreams) : answers),
  },
  {
    name: 'first token never',
    group,
    fault: { type: 'slow-first-token', ms: Infinity },
    effect: late,
    complaint: 'BerriAI/litellm#40404',
  },
  {
    name: 'first token never, with pings',
    group,
    fault: { type: 'slow-first-token', ms: Infinity, pings: 50 },
    effect: ({ body }) => (body === 'json' ? leftOut(onlyStreams) : late),
    complaint: 'BerriAI/litellm#40404',
  },
  {
    name: 'a pause of 150 ms in the body',
    group,
    fault: { type: 'stall', afterChunks: 3, ms: 150 },
    effect: answers,
  },
  {
    name: 'a pause longer than the idle limit, with pings',
    group,
    fault: { type: 'stall', afterChunks: 3, ms: 900, pings: 60 },
    effect: ({ body }) => (body === 'json' ? leftOut(onlyStreams) : answers),
  },
  stall,
  {
    name: 'drips seven bytes at a time',
    group,
    fault: { type: 'drip', bytes: 7, everyMs: 0 },
    effect: answers,
    // A stream of Responses has thousands of bytes before its first content.
    attemptLimit: 2_000,
  },
  {
    name: 'drips slowly, but within all limits',
    group,
    fault: { type: 'drip', bytes: 250, everyMs: 40 },
    effect: answers,
    // A stream of Responses has thousands of bytes before its first content.
    attemptLimit: 2_000,
  },
  {
    name: 'drips a byte in 100 ms',
    group,
    fault: { type: 'drip', bytes: 1, everyMs: 100 },
    // A stream misses the limit of its first content; a body that is not streamed is never idle, only too late.
    effect: ({ body }) =>
      body === 'sse'
        ? late
        : transient(504, { retry: 'deadline', timeout: true, closedAfter: limits.total + slack }),
  },
]
