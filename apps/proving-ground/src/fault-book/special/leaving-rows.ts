import type { Fault } from '@spillway/testing'
import type { LeaveAt, Row } from '../row.ts'
import { type Shape, shapes } from '../shape.ts'
import { specialRow } from './expecting.ts'

interface Leaving {
  readonly name: string
  readonly at: LeaveAt
  readonly fault: Fault
  readonly fits?: (shape: Shape) => boolean
}

const leavings: readonly Leaving[] = [
  { name: 'during the headers', at: 'headers', fault: { type: 'slow-headers', ms: Infinity } },
  {
    name: 'before the first token',
    at: 'first-token',
    fault: { type: 'slow-first-token', ms: Infinity, pings: 40 },
    fits: ({ body }) => body === 'sse',
  },
  {
    name: 'in the middle of the body',
    at: 'mid-body',
    fault: { type: 'stall', afterChunks: 3, ms: Infinity },
  },
  {
    name: 'during a back-off',
    at: 'back-off',
    fault: { type: 'status', status: 429, retryAfter: 1 },
  },
]

/** Callers who leave: the upstream's work ends at once, and nobody is asked any more. */
export const leavingRows: readonly Row[] = leavings.flatMap(({ name, at, fault, fits = () => true }) =>
  shapes.filter(fits).flatMap((shape) =>
    [false, true].map((hasFallback) =>
      specialRow(
        'Callers who leave',
        `the caller leaves ${name}`,
        hasFallback ? 'with a fallback' : 'always',
        shape,
        {
          always: fault,
          leaveAt: at,
          complaint: 'BerriAI/litellm#36123, maximhq/bifrost#3164',
          ...(hasFallback ? { fallback: {} } : {}),
        },
        { caller: 'nothing' },
      ),
    ),
  ),
)
