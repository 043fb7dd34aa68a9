import { setTimeout as delay } from 'node:timers/promises'
import type { RecordedRequest } from '@spillway/testing'
import { type Calling, call } from './caller.ts'
import type { GatewayAdapter, RunningGateway } from './gateways/gateway.ts'
import { judge } from './judge.ts'
import { slack } from './limits.ts'
import type { Observation, Verdict } from './observation.ts'
import { readAnswer } from './read-answer.ts'
import type { Row } from './row.ts'
import { pathOf, requestBody } from './shape.ts'
import { armFaults, type PreparedRow } from './upstreams.ts'

const callerHeaders = {
  'content-type': 'application/json',
  'anthropic-version': '2023-06-01',
  'x-api-key': 'sk-of-the-caller',
  authorization: 'Bearer sk-of-the-caller',
}

/** Makes the call of a row and judges what comes of it. */
export async function runRow(
  prepared: PreparedRow,
  gateway: RunningGateway,
  adapter: GatewayAdapter,
): Promise<Verdict> {
  const { row } = prepared
  if ((row.ownFeature && !adapter.isSpillway) || adapter.serves?.(row) === false) {
    return { row, problems: [], seen: 'not offered', isJudged: false, ms: 0 }
  }
  armFaults(prepared)
  const startedAt = performance.now()
  const observation = await observe(prepared, gateway)
  const problems = judge(row, observation, adapter, prepared.model)
  const ms = performance.now() - startedAt
  return { row, problems, seen: describe(row, observation), isJudged: true, ms }
}

async function observe(prepared: PreparedRow, gateway: RunningGateway): Promise<Observation> {
  const { row, model, first, second } = prepared
  const sentBody = requestBody(row.shape, model, row.requestMore)
  const headers = { ...callerHeaders, ...row.requestHeaders, ...gateway.headersFor(prepared) }
  const calling = call(`${gateway.urlFor(prepared)}${pathOf(row.shape)}`, headers, sentBody)
  const leftAt = row.leaveAt === undefined ? undefined : await leave(prepared, calling)
  const seen = await calling.seen
  if (leftAt !== undefined) {
    // Long enough for an attempt that nobody wants any more to come.
    await delay(row.leaveAt === 'back-off' ? 1_300 : 300)
  }
  const waits = row.expected.closedAfter !== undefined || leftAt !== undefined
  if (waits) await until(() => first.requests.every(isOver), 2 * slack)
  return { seen, sentBody, first: first.requests, second: second.requests, leftAt }
}

/** Waits for the moment of the row and leaves; returns when. */
async function leave({ row, first }: PreparedRow, calling: Calling): Promise<number> {
  const upstream = (): RecordedRequest | undefined => first.requests[0]
  const reached = (): boolean => {
    switch (row.leaveAt) {
      case 'first-token':
        return upstream()?.status === 200
      case 'mid-body':
        if (row.shape.body === 'json') return (upstream()?.sent.length ?? 0) > 0
        return readAnswer(row.shape, calling.received()).hasContent
      case 'back-off':
        return upstream()?.finishedAt !== undefined
      default:
        return upstream() !== undefined
    }
  }
  await until(reached, 2_000)
  if (row.leaveAt === 'back-off') await delay(100)
  calling.leave()
  return performance.now()
}

function isOver({ finishedAt, closedAt, fault }: RecordedRequest): boolean {
  return (
    finishedAt !== undefined || closedAt !== undefined || fault?.type === 'cut' || fault?.type === 'reset'
  )
}

async function until(condition: () => boolean, ms: number): Promise<void> {
  const deadline = performance.now() + ms
  while (!condition() && performance.now() < deadline) await delay(10)
}

function describe({ shape }: Row, { seen, first, second, leftAt }: Observation): string {
  const made = `${first.length}+${second.length} attempts`
  if (leftAt !== undefined) return made
  const { isWhole, endsWithError } = readAnswer(shape, seen.text)
  const end = seen.ended !== 'end' ? seen.ended : isWhole ? 'whole' : endsWithError ? 'error' : 'cut short'
  return `${seen.status || 'no status'}, ${end}, ${made}, ${Math.round(seen.total)} ms`
}
