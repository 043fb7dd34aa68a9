import type { ComparisonRow } from '@spillway/ledger'
import type { ComparedAnswer, Comparison } from '@spillway/mirror'
import { costOf, type PriceTable } from '@spillway/usage'

/** Whom a mirror compares, who is paid on either side as in the price table, and what their models cost. */
export interface ComparedPair {
  readonly from: string
  readonly to: string
  readonly primary: string
  readonly candidate: string
  /** @default the published prices */
  readonly primaryPrices?: PriceTable | undefined
  readonly candidatePrices?: PriceTable | undefined
}

/** What is booked of a comparison. `at` is its time, in milliseconds since the Unix epoch: prices change. */
export function comparisonRow(pair: ComparedPair, comparison: Comparison, at: number): ComparisonRow {
  const { callId, model, textSimilarity, primary, candidate } = comparison
  const cost = ({ usage, model: answered }: ComparedAnswer, provider: string, prices?: PriceTable) =>
    costOf(usage, { model: answered ?? model, asked: model, provider, at }, prices).nanoDollars ?? null
  return {
    id: crypto.randomUUID(),
    call_id: callId,
    started_at: Math.round(at),
    from_target: pair.from,
    to_target: pair.to,
    model_asked: model,
    similarity: textSimilarity ?? null,
    primary_failure: primary.failure?.kind ?? null,
    primary_ttft_ms: primary.timeToFirstTokenMs ?? null,
    primary_total_ms: primary.totalMs,
    primary_output_tokens: primary.usage?.outputTokens ?? 0,
    primary_cost_nano: cost(primary, pair.primary, pair.primaryPrices),
    candidate_failure: candidate.failure?.kind ?? null,
    candidate_ttft_ms: candidate.timeToFirstTokenMs ?? null,
    candidate_total_ms: candidate.totalMs,
    candidate_output_tokens: candidate.usage?.outputTokens ?? 0,
    candidate_cost_nano: cost(candidate, pair.candidate, pair.candidatePrices),
  }
}
