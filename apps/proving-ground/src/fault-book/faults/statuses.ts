import type { StatusFault } from '@spillway/testing'
import { type Fails, type FaultEntry, permanent, transient } from '../fault-entry.ts'
import { slack } from '../limits.ts'

const group = 'HTTP errors'
const passes = { passes: true }

const meanings: readonly (readonly [status: number, effect: Fails, twice?: boolean])[] = [
  [400, permanent(400, { ...passes, callerError: true })],
  [401, permanent(401, passes)],
  [402, permanent(402, passes)],
  [403, permanent(403, passes)],
  [404, permanent(404, passes)],
  [408, transient(408, { ...passes, timeout: true })],
  [409, transient(409, passes)],
  [413, permanent(413, { ...passes, callerError: true })],
  [422, permanent(422, { ...passes, callerError: true })],
  [429, transient(429, passes)],
  [500, transient(500, passes)],
  [502, transient(502, passes)],
  [503, transient(503, passes)],
  [504, transient(504, { ...passes, timeout: true })],
  [524, transient(524, { ...passes, timeout: true })],
  [529, transient(529, passes), true],
]

function status(status: number, more: Partial<StatusFault> = {}): StatusFault {
  return { type: 'status', status, ...more }
}

/** The statuses that vendors answer with, as their documentation lists them. */
const plain: readonly FaultEntry[] = meanings.map(([code, effect, twice = false]) => ({
  name: `status ${code}`,
  group,
  fault: status(code),
  effect,
  twice,
}))

/** What the server advises. */
const advised: readonly FaultEntry[] = [
  {
    name: 'status 429, retry-after of a second',
    group,
    fault: status(429, { retryAfter: 1 }),
    effect: transient(429, passes),
    complaint: 'maximhq/bifrost#6971',
    twice: true,
  },
  {
    name: 'status 429, retry-after-ms of 300',
    group,
    fault: status(429, { headers: { 'retry-after-ms': '300' } }),
    effect: transient(429, passes),
  },
  {
    name: 'status 429, retry-after as an HTTP date',
    group,
    fault: (epoch) => status(429, { retryAfter: new Date(epoch + 2_000).toUTCString() }),
    effect: transient(429, passes),
  },
  {
    name: 'status 429, retry-after beyond the deadline',
    group,
    fault: status(429, { retryAfter: 60 }),
    effect: permanent(429, { ...passes, within: slack }),
    complaint: 'a `retry-after` beyond the deadline is waited for; maximhq/bifrost#6971',
  },
  {
    name: 'status 503, retry-after of a second',
    group,
    fault: status(503, { retryAfter: 1 }),
    effect: transient(503, passes),
  },
  {
    name: 'status 529, x-should-retry: false',
    group,
    fault: status(529, { headers: { 'x-should-retry': 'false' } }),
    effect: permanent(529, { ...passes, within: slack }),
  },
  {
    name: 'status 400, x-should-retry: true',
    group,
    fault: status(400, { headers: { 'x-should-retry': 'true' } }),
    effect: permanent(400, { ...passes, callerError: true }),
  },
  {
    name: 'status 502 with an HTML page',
    group,
    fault: status(502, { body: '<html><body>Bad gateway</body></html>', contentType: 'text/html' }),
    // A page is no error of the caller's protocol, but the bytes are the upstream's to choose.
    effect: transient(502, { passes: true }),
  },
]

export const statusFaults: readonly FaultEntry[] = [...plain, ...advised]
