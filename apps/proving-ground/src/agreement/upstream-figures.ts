import { add, type Figures } from './figures.ts'
import { chatPrice, vendorPrice } from './price.ts'
import { isWhole, type Seen, tellingOf } from './upstream-record.ts'

/** The record of the upstreams, summed up. */
export function upstreamFigures(seen: readonly Seen[]): Figures {
  const figures: Figures = new Map()
  add(figures, 'calls', new Set(seen.map(({ plan }) => plan.index)).size)
  for (const each of seen) {
    const { role, target, request, plan } = each
    const telling = tellingOf(each)
    add(figures, 'attempts', 1)
    add(figures, `attempts by role: ${role}`, 1)
    add(figures, `attempts by target: ${target}`, 1)
    if (request.closedAt !== undefined) add(figures, 'attempts that ended: cancelled', 1)
    else if (!isWhole(each)) add(figures, 'attempts that ended: failed', 1)
    else add(figures, 'attempts that ended: well', 1)
    if (telling === 'estimated') add(figures, 'attempts estimated', 1)
    if (telling !== 'exact') continue
    const usage = each.charged.tokens
    const cost = costOf(each)
    add(figures, 'exact tokens: input', usage.inputTokens)
    add(figures, 'exact tokens: output', usage.outputTokens)
    add(figures, 'exact tokens: cache_read', usage.cacheReadTokens)
    add(figures, 'exact tokens: cache_write', usage.cacheWriteTokens)
    add(figures, 'exact tokens: reasoning', usage.reasoningTokens)
    add(figures, 'exact cost', cost)
    add(figures, `exact cost by model: ${plan.model}`, cost)
    add(figures, `exact cost by target: ${target}`, cost)
    add(figures, `exact cost by role: ${role}`, cost)
  }
  return figures
}

function costOf({ target, charged, request }: Seen): bigint {
  const { inputTokens, outputTokens } = charged.tokens
  if (target === 'router') return BigInt(inputTokens) * 1234n + BigInt(outputTokens) * 5678n
  if (target === 'chat') return chatPrice(charged.tokens)
  return vendorPrice(charged, new Date(performance.timeOrigin + request.receivedAt))
}
