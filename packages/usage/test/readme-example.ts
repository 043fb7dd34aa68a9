import { costOf, formatDollars } from '@spillway/usage'

const usage = {
  inputTokens: 1200,
  outputTokens: 300,
  cacheReadTokens: 50_000,
  cacheWriteTokens: 0,
  cacheWrite1hTokens: 0,
  reasoningTokens: 0,
  estimated: false,
}
const cost = costOf(usage, { model: 'claude-opus-5-5', provider: 'anthropic', at: Date.UTC(2026, 10, 1) })

export const dollars = cost.status === 'priced' ? formatDollars(cost.nanoDollars) : 'unknown'
