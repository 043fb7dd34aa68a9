import type { AttemptRow, CallRow, Entry } from '@spillway/ledger'

/** Callers of the past: two by fingerprints, one with a key of the gateway. */
export const tenants = { search: 'key-a03f61bb20c4Xk2_q9ZtVw', billing: 'key-5be10cc9d1f7Yh4-m1RsLp' }

const day = 24 * 3_600_000
const dollar = 1_000_000_000

/** The same numbers each time (Lehmer), from 0 to 1. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}

interface PastCalls {
  readonly calls: readonly CallRow[]
  readonly attempts: readonly AttemptRow[]
  readonly entries: readonly Entry[]
  /** Five of the conversations of yesterday, by what they cost. */
  readonly dearestYesterday: readonly string[]
}

/**
 * Nine weeks of calls: Claude faster than OpenRouter, both slower this week than the last; ten
 * conversations of yesterday; twenty 429s of today, or of the last minutes where today is young.
 */
export function pastCalls(now: number): PastCalls {
  const random = randomFrom(11)
  const calls: CallRow[] = []
  const attempts: AttemptRow[] = []
  const add = (started_at: number, more: Partial<CallRow>, costNano: number): void => {
    const id = `past-${String(calls.length).padStart(5, '0')}`
    const call: CallRow = {
      ...{ id, call_id: id, started_at: Math.floor(started_at), tenant: 'web', api: 'anthropic' },
      ...{ operation: 'generate', model_asked: 'claude-sonnet-5-5', model_answered: 'claude-sonnet-5-5' },
      ...{ target: 'claude', attempts: 1, failure: null, status: 200, stop_reason: 'end_turn' },
      ...{ ttft_ms: 400, total_ms: 3000, stream: 1, fallback_from: null, fallback_to: null },
      ...{ fallback_reason: null, session: null },
      ...more,
    }
    calls.push(call)
    attempts.push({
      ...{ id: `${id}-1`, call_id: id, call_row: id, attempt: 1, role: 'primary' },
      ...{ started_at: call.started_at, tenant: call.tenant, target: call.target ?? 'claude', endpoint: '1' },
      ...{ provider: 'anthropic', model_asked: call.model_asked, model_answered: call.model_answered },
      ...{ input_tokens: 900, output_tokens: 300, cache_read_tokens: 0, cache_write_tokens: 0 },
      ...{ reasoning_tokens: 0, estimated: 0, cost_nano: costNano, failure: call.failure },
      ...{ status: call.failure === null ? null : call.status, stop_reason: call.stop_reason },
      ...{ ttft_ms: call.ttft_ms, total_ms: call.total_ms, session: call.session ?? null },
    })
  }
  const callers = [tenants.search, tenants.billing, 'web']
  for (let count = 0; count < 2400; count++) {
    const at = now - (63 * day * count) / 2400 - 60_000
    const isClaude = random() < 0.6
    const week = at > now - 7 * day ? 1.5 : 1
    const ttft_ms = (isClaude ? 380 : 720) * week * Math.exp((random() - 0.4) * 1.6)
    const tenant = callers[Math.floor(random() * 3)] ?? 'web'
    const target = isClaude ? 'claude' : 'openrouter'
    add(at, { tenant, target, ttft_ms, total_ms: ttft_ms * 6 }, Math.floor(random() * 40_000_000))
  }
  const yesterday = new Date(now - day).setHours(0, 0, 0, 0)
  for (let number = 0; number < 10; number++) {
    const session = `ticket-${4700 + number}`
    // Three calls each; the dearest is in the middle.
    const share = 9 - Math.abs(number - 4) * 0.75
    for (let turn = 0; turn < 3; turn++) {
      const at = yesterday + (6 + number) * 3_600_000 + turn * 60_000
      add(at, { session, tenant: number % 2 === 0 ? tenants.billing : 'web' }, (share / 3) * dollar)
    }
  }
  for (let count = 0; count < 20; count++) {
    const tenant = count < 17 ? tenants.search : tenants.billing
    const refused = { target: null, failure: 'rate_limited', status: 429, ttft_ms: null, stop_reason: null }
    add(now - 5 * 60_000 - count * 1000, { ...refused, tenant, total_ms: 40 }, 0)
  }
  return {
    calls,
    attempts,
    entries: [
      ...calls.map((row) => ({ table: 'calls', row }) as const),
      ...attempts.map((row) => ({ table: 'attempts', row }) as const),
    ],
    dearestYesterday: ['ticket-4704', 'ticket-4703', 'ticket-4705', 'ticket-4702', 'ticket-4706'],
  }
}
