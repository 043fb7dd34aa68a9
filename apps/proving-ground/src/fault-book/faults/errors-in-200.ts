import type { ErrorIn200 } from '@spillway/testing'
import { breaks, type FaultEntry, leftOut, permanent, transient } from '../fault-entry.ts'
import { upstreamApi } from '../shape.ts'

const group = 'Errors inside a 200'

function error(at: ErrorIn200['at'], errorType = 'overloaded_error'): ErrorIn200 {
  return { type: 'error-in-200', at, errorType }
}

/** Errors that come with status 200. */
export const errorsIn200: readonly FaultEntry[] = [
  {
    name: 'overloaded inside a 200, at once',
    group,
    fault: error('start'),
    effect: transient(529),
    complaint: 'BerriAI/litellm#32237, maximhq/bifrost#5395',
    twice: true,
  },
  {
    name: 'overloaded inside a 200, just before content',
    group,
    fault: error('before-content'),
    effect: (shape) =>
      upstreamApi(shape) !== 'openai' && shape.body === 'json'
        ? leftOut('Only chat completions have two ways to say an error in a body that is not streamed.')
        : transient(529),
    complaint: 'BerriAI/litellm#32237; as `choices[0].finish_reason: error` where not streamed',
  },
  {
    name: 'overloaded inside a 200, after content',
    group,
    fault: error('after-content'),
    effect: ({ body }) =>
      body === 'json' ? leftOut('A body that is not streamed has no phases: it is good or not.') : breaks,
  },
  {
    name: 'rate limit inside a 200',
    group,
    fault: error('start', 'rate_limit_error'),
    effect: transient(429),
  },
  {
    name: 'invalid request inside a 200',
    group,
    fault: error('start', 'invalid_request_error'),
    effect: permanent(400, { callerError: true }),
  },
]
