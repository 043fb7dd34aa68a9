import type { Fault } from '@spillway/testing'
import { attempts, limits, slack } from '../limits.ts'
import type { Row } from '../row.ts'
import { isPatient, shapes } from '../shape.ts'
import { specialRow } from './expecting.ts'

const group = 'Several faults in one call'
const overloaded: Fault = { type: 'status', status: 529 }
const patient: Fault = { type: 'status', status: 429, retryAfter: 3 }

/** Calls that meet one fault after the other, and who counts the attempts. */
export const sequenceRows: readonly Row[] = shapes.flatMap((shape) => [
  specialRow(
    group,
    'a reset, then an error inside a 200',
    'then an answer',
    shape,
    { faults: [{ type: 'reset' }, { type: 'error-in-200', at: 'start', errorType: 'overloaded_error' }] },
    { attempts: [3, 0] },
  ),
  specialRow(
    group,
    'overloaded, then an invalid request',
    'always',
    shape,
    { faults: [overloaded], always: { type: 'status', status: 400 } },
    { caller: 'error', status: 400, attempts: [2, 0] },
  ),
  specialRow(
    group,
    'waits that do not fit the deadline together',
    'always',
    shape,
    { always: patient, complaint: 'a `retry-after` beyond the deadline is waited for' },
    { caller: 'error', status: 429, attempts: [2, 0], within: 3_000 + slack },
  ),
  specialRow(
    group,
    'the wait would take the fallback’s time',
    'with a fallback',
    shape,
    { always: patient, fallback: {}, complaint: 'a `retry-after` beyond the deadline is waited for' },
    { by: 'second', attempts: [1, 1], within: slack },
  ),
  specialRow(
    group,
    'both targets fail',
    'with a fallback',
    shape,
    { always: overloaded, fallback: { always: { type: 'status', status: 500 } } },
    { caller: 'error', status: 529, attempts: [attempts, attempts] },
  ),
  specialRow(
    group,
    'the fallback cannot take the request',
    'with a fallback',
    shape,
    { always: overloaded, fallback: { always: { type: 'status', status: 400 } } },
    { caller: 'error', status: 529, attempts: [attempts, 1] },
  ),
  specialRow(
    group,
    'both targets never begin',
    'with a fallback',
    shape,
    {
      always: { type: 'slow-headers', ms: Infinity },
      fallback: { always: { type: 'slow-headers', ms: Infinity } },
    },
    {
      caller: 'error',
      status: 504,
      statusPasses: false,
      bytes: false,
      attempts: [1, isPatient(shape) ? 1 : attempts],
      closedAfter: limits.headers + slack,
    },
  ),
  specialRow(
    group,
    'the client has retried twice already',
    'always',
    shape,
    { always: overloaded, requestHeaders: { 'x-stainless-retry-count': '2' } },
    { caller: 'error', status: 529, attempts: [1, 0] },
  ),
])
