import type { Usage } from '@spillway/middleware'
import type { ComparedAnswer, Comparison } from '@spillway/mirror'
import { expect, it } from 'vitest'
import { comparisonRow } from './comparison-row.ts'

const usage: Usage = {
  inputTokens: 1000,
  outputTokens: 100,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  cacheWrite1hTokens: 0,
  reasoningTokens: 0,
  estimated: false,
}

const answer: ComparedAnswer = {
  target: 't',
  model: 'claude-haiku-4-5',
  status: 200,
  failure: undefined,
  timeToFirstTokenMs: 10,
  totalMs: 100,
  usage,
  stopReason: 'end_turn',
  textLength: 5,
}

const comparison = (candidate: Partial<ComparedAnswer>): Comparison => ({
  callId: 'a',
  candidateCallId: 'b',
  conversation: undefined,
  api: 'anthropic',
  model: 'claude-haiku-4-5',
  stream: true,
  primary: answer,
  candidate: { ...answer, ...candidate },
  textSimilarity: 0.5,
})

const pair = { from: 'claude', to: 'candidate', primary: 'anthropic', candidate: 'embedded' }

it('has the cost of each side by its own prices, and none where the model has no price', () => {
  expect(comparisonRow(pair, comparison({}), 5.4)).toMatchObject({
    ...{ call_id: 'a', started_at: 5, from_target: 'claude', to_target: 'candidate', similarity: 0.5 },
    ...{ primary_cost_nano: 1_500_000, candidate_cost_nano: 0, primary_output_tokens: 100 },
  })
  const unknown = { ...pair, candidate: 'anthropic' }
  expect(comparisonRow(unknown, comparison({ model: 'nobody-knows' }), 0).candidate_cost_nano).toBeNull()
})

it('says what failed, and has another id each time', () => {
  const failed = comparison({
    ...{ failure: { kind: 'timeout' } as ComparedAnswer['failure'], usage: undefined },
    timeToFirstTokenMs: undefined,
  })
  const rows = [comparisonRow(pair, failed, 0), comparisonRow(pair, failed, 0)]
  expect(rows[0]).toMatchObject({
    ...{ candidate_failure: 'timeout', candidate_ttft_ms: null, candidate_output_tokens: 0 },
    primary_failure: null,
  })
  expect(rows[0]?.id).not.toBe(rows[1]?.id)
})
