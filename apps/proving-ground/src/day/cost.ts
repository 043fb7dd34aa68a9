import type { ModelRequest } from '@spillway/middleware'
import type { LimitedCall } from '@spillway/testing'
import type { DayVendor } from './vendor.ts'

/** What the vendor would count of a request if it came now; undefined where it fails before it is counted. */
export function costOf(day: DayVendor, request: ModelRequest): LimitedCall | undefined {
  return day.answers.get(request.body)?.fault === undefined ? plannedCostOf(day, request) : undefined
}

/** The same of a request whose failure cannot be foreseen. */
export function plannedCostOf({ answers, vendor }: DayVendor, request: ModelRequest): LimitedCall {
  const answer = answers.get(request.body)
  if (answer === undefined) throw new Error('a request that no agent has made')
  const { inputTokens, cacheWriteTokens, cacheReadTokens } = vendor.look(answer)
  const { model, operation } = request
  return { model, operation, inputTokens: inputTokens + cacheWriteTokens, cacheReadTokens }
}
