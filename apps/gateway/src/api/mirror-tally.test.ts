import type { Usage } from '@spillway/middleware'
import type { ComparedAnswer, Comparison } from '@spillway/mirror'
import { describe, expect, it } from 'vitest'
import { MirrorTally } from './mirror-tally.ts'

const usage: Usage = {
  inputTokens: 1000,
  outputTokens: 100,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  cacheWrite1hTokens: 0,
  reasoningTokens: 0,
  estimated: false,
}

const answer = (more: Partial<ComparedAnswer> = {}): ComparedAnswer => ({
  target: 't',
  model: 'claude-haiku-4-5',
  status: 200,
  failure: undefined,
  timeToFirstTokenMs: 10,
  totalMs: 100,
  usage,
  stopReason: 'end_turn',
  textLength: 5,
  ...more,
})

const comparison = (more: Partial<Comparison> = {}): Comparison => ({
  callId: 'a',
  candidateCallId: 'b',
  conversation: undefined,
  api: 'anthropic',
  model: 'claude-haiku-4-5',
  stream: true,
  primary: answer(),
  candidate: answer(),
  textSimilarity: 1,
  ...more,
})

const failed = answer({
  failure: { kind: 'timeout', retryable: true } as ComparedAnswer['failure'],
  timeToFirstTokenMs: undefined,
  totalMs: 9,
  usage: undefined,
})

const tally = () => new MirrorTally({ primary: 'anthropic', candidate: 'embedded' })

describe('a tally of comparisons', () => {
  it('knows nothing before there is one', () => {
    const none = { p50: null, p95: null, p99: null }
    const side = { failures: 0, firstContent: none, total: none, outputTokens: 0, costNano: null }
    expect(tally().findings()).toEqual({ comparisons: 0, primary: side, candidate: side, similarity: null })
  })

  it('adds up tokens, cost and failures of each side', () => {
    const both = tally()
    both.add(comparison(), 0)
    both.add(comparison({ candidate: failed, textSimilarity: undefined }), 0)
    const { comparisons, primary, candidate, similarity } = both.findings()
    expect([comparisons, similarity]).toEqual([2, 1])
    expect(primary).toMatchObject({ failures: 0, outputTokens: 200, costNano: '3000000' })
    expect(candidate).toMatchObject({ failures: 1, outputTokens: 100, costNano: '0' })
  })

  it('leaves failures out of the times', () => {
    const both = tally()
    both.add(comparison({ candidate: failed }), 0)
    both.add(comparison({ candidate: answer({ totalMs: 500 }) }), 0)
    expect(both.findings().candidate.total).toEqual({ p50: 500, p95: 500, p99: 500 })
  })

  it('takes the mean similarity of those that have one', () => {
    const both = tally()
    for (const textSimilarity of [0.5, 1, undefined]) both.add(comparison({ textSimilarity }), 0)
    expect(both.findings().similarity).toBe(0.75)
  })

  it('has the percentiles of the newest thousand', () => {
    const both = tally()
    for (let call = 1; call <= 2000; call++) both.add(comparison({ primary: answer({ totalMs: call }) }), 0)
    expect(both.findings().primary.total).toEqual({ p50: 1500, p95: 1950, p99: 1990 })
    expect(both.findings().comparisons).toBe(2000)
  })

  it('has no cost where the model has no price', () => {
    const both = tally()
    both.add(comparison({ primary: answer({ model: 'nobody-knows' }) }), 0)
    expect(both.findings().primary.costNano).toBeNull()
  })
})
