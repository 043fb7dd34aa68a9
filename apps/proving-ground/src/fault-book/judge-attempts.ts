import { isDeepStrictEqual } from 'node:util'
import type { RecordedRequest } from '@spillway/testing'
import type { Observation } from './observation.ts'
import type { Report } from './report.ts'
import type { Row } from './row.ts'

/** Timers and clocks may differ by so much, in milliseconds. */
const tolerance = 20

/** So soon must an upstream know that the caller has left, in milliseconds. */
const promptly = 400

/** Judges what the upstreams saw. */
export function judgeAttempts({ expected }: Row, observation: Observation, report: Report): void {
  const { first, second, sentBody, leftAt } = observation
  const [ofFirst, ofSecond] = expected.attempts
  report(first.length === ofFirst, `${first.length} attempts at the first target instead of ${ofFirst}`)
  report(second.length === ofSecond, `${second.length} attempts at the second target instead of ${ofSecond}`)
  judgeGaps(first, report)
  const bodies = new Set(first.map(({ body }) => Buffer.from(body).toString('latin1')))
  report(bodies.size <= 1, 'the attempts differ in their bodies')
  if (expected.requestUnchanged) {
    const all = [...first, ...second]
    report(
      all.every(({ json }) => saysTheSame(sentBody, json)),
      'the request was changed',
    )
  }
  if (leftAt !== undefined) judgeClosing(first, (closedAt) => closedAt - leftAt, promptly, report)
  else if (expected.closedAfter !== undefined) {
    const since = (closedAt: number, { receivedAt }: RecordedRequest): number => closedAt - receivedAt
    judgeClosing(first, since, expected.closedAfter, report)
  }
}

/** Every request that the upstream never finished must have been closed by the gateway, and soon. */
function judgeClosing(
  requests: readonly RecordedRequest[],
  since: (closedAt: number, request: RecordedRequest) => number,
  within: number,
  report: Report,
): void {
  for (const request of requests) {
    if (request.finishedAt !== undefined) continue
    const { closedAt } = request
    const after = closedAt === undefined ? Infinity : Math.round(since(closedAt, request))
    const how = closedAt === undefined ? 'is still open' : `was closed after ${after} ms, more than ${within}`
    report(after <= within, `an upstream connection ${how}`)
  }
}

function judgeGaps(requests: readonly RecordedRequest[], report: Report): void {
  requests.forEach((request, index) => {
    const next = requests[index + 1]
    const asked = waitAsked(request)
    if (next === undefined || asked === undefined) return
    const gap = Math.round(next.receivedAt - request.receivedAt)
    report(
      gap >= asked - tolerance,
      `an attempt came ${gap} ms after the last, asked were ${Math.round(asked)}`,
    )
  })
}

/** How long the answer to a request asked to wait, in milliseconds from its arrival. */
export function waitAsked({ fault, receivedAt }: RecordedRequest): number | undefined {
  if (fault?.type !== 'status') return undefined
  const { retryAfter, headers } = fault
  const milliseconds = headers?.['retry-after-ms']
  if (milliseconds !== undefined) return Number(milliseconds)
  if (typeof retryAfter === 'number') return retryAfter * 1_000
  if (retryAfter === undefined) return undefined
  return Date.parse(retryAfter) - (performance.timeOrigin + receivedAt)
}

/** Whether a request says the same as the one that the caller sent. */
function saysTheSame(sent: Uint8Array, received: unknown): boolean {
  return isDeepStrictEqual(JSON.parse(Buffer.from(sent).toString()), received)
}
