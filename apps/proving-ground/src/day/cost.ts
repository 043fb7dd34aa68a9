import type { ModelRequest } from '@spillway/middleware'
import type { LimitedCall } from '@spillway/testing'
import type { DayVendor } from './vendor.ts'

/** What the vendor would count of a request if it came now; undefined where it fails before it is counted. */
export function costOf({ answers, vendor }: DayVendor, request: ModelRequest): LimitedCall | undefined {
  const answer = answers.get(request.body)
  if (answer === undefined || answer.fault !== undefined) return undefined
  const { inputTokens, cacheWriteTokens, cacheReadTokens } = vendor.look(answer)
  const { model, operation } = request
  return { model, operation, inputTokens: inputTokens + cacheWriteTokens, cacheReadTokens }
}
