import type { Attempt, CallRow, CallStory, Facets, Sessions, TokenCounts } from '@spillway/gateway-api'

export const models: readonly string[] = [
  'claude-sonnet-5-5',
  'claude-opus-5-5',
  'claude-haiku-5',
  'llama3.2',
]
const failures = ['overloaded', 'timeout', 'rate_limited', 'connection']

export const noTokens: TokenCounts = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0 }

export function callAt(at: number, index: number, random: () => number): CallRow {
  const luck = random()
  const model = models[Math.floor(random() ** 2 * 3)] ?? ''
  const failure = luck < 0.02 ? 'server' : luck < 0.04 ? 'cancelled' : null
  const fallback = failure === null && luck < 0.1 ? (failures[index % failures.length] ?? null) : null
  const firstContentMs = failure === 'server' ? null : Math.round(260 + random() ** 3 * 1_900)
  return {
    id: `call_${index.toString(36).padStart(8, '0')}`,
    at,
    tenant:
      index % 7 === 3
        ? null
        : `key-${['a03f61bb20c4Xk2_q9ZtVw', '5be10cc9d1f7Yh4-m1RsLp', '77aa01e4d0b2Qc8_z5NdGe'][index % 3]}`,
    tenantName: index % 7 === 3 || index % 3 !== 0 ? null : 'Search team',
    session: index % 5 === 2 ? null : `session-${index % 40}`,
    model,
    modelAnswered: failure === 'server' ? null : model,
    target: failure === 'server' ? null : fallback === null ? 'claude' : luck < 0.07 ? 'local' : 'openrouter',
    stream: index % 4 !== 1,
    attempts: fallback === null ? 1 : 3,
    fallback,
    failure,
    status: failure === 'server' ? 502 : failure === 'cancelled' ? null : 200,
    firstContentMs,
    totalMs: Math.round((firstContentMs ?? 300) * (2 + random() * 9)),
    tokens: {
      input: Math.round(random() * 2_000),
      output: Math.round(40 + random() * 900),
      cacheRead: Math.round(random() * 14_000),
      cacheWrite: Math.round(random() * 900),
      reasoning: 0,
    },
    estimated: failure === 'cancelled',
    costNano: luck > 0.05 && luck < 0.07 ? null : Math.round(400_000 + random() ** 2 * 42_000_000).toString(),
  }
}

/** One of the tenants has a name. */
export const nameOf = (tenant: string): string | null =>
  tenant === 'key-a03f61bb20c4Xk2_q9ZtVw' ? 'Search team' : null

export function facetsOf(calls: readonly CallRow[]): Facets['facets'] {
  const count = (of: (call: CallRow) => string) => {
    const counts = new Map<string, number>()
    for (const call of calls) counts.set(of(call), (counts.get(of(call)) ?? 0) + 1)
    return [...counts]
      .map(([value, count]) => ({ value, calls: count }))
      .toSorted((a, b) => b.calls - a.calls)
  }
  return {
    model: count(({ model }) => model),
    tenant: count(({ tenant }) => tenant ?? '').map((each) => ({ ...each, name: nameOf(each.value) })),
    target: count(({ target }) => target ?? ''),
    failure: count(({ failure }) => failure ?? ''),
    status: count(({ status }) => String(status ?? 0)),
    reason: count(({ fallback }) => fallback ?? ''),
    session: count(({ session }) => session ?? '')
      .filter(({ value }) => value !== '')
      .slice(0, 20),
  }
}

export function sessionsOf(calls: readonly CallRow[]): Sessions['rows'] {
  const names = [...new Set(calls.flatMap(({ session }) => session ?? []))]
  return names
    .map((session) => {
      const own = calls.filter((call) => call.session === session)
      return {
        session,
        tenant: own[0]?.tenant ?? '',
        tenantName: own[0]?.tenantName ?? null,
        calls: own.length,
        errors: own.filter(({ failure }) => failure !== null && failure !== 'cancelled').length,
        attempts: own.reduce((sum, { attempts }) => sum + attempts, 0),
        input: own.reduce((sum, { tokens }) => sum + tokens.input + tokens.cacheRead, 0),
        output: own.reduce((sum, { tokens }) => sum + tokens.output, 0),
        costNano: String(own.reduce((sum, { costNano }) => sum + BigInt(costNano ?? 0), 0n)),
        unpriced: 0,
        lastAt: own[0]?.at ?? 0,
      }
    })
    .toSorted((a, b) => Number(BigInt(b.costNano) - BigInt(a.costNano)))
}

/** A call that failed, or that another target answered, was first refused by Claude. */
export function storyOf(call: CallRow): CallStory {
  const attempt = (number: number, more: Partial<Attempt>): Attempt => ({
    number,
    role: number === 1 ? 'primary' : 'fallback',
    at: call.at,
    target: call.target,
    endpoint: 'primary',
    provider: 'anthropic',
    modelAsked: call.model,
    modelAnswered: call.model,
    failure: null,
    status: null,
    code: null,
    requestId: null,
    message: null,
    stopReason: 'end_turn',
    firstContentMs: call.firstContentMs,
    totalMs: call.totalMs,
    tokens: call.tokens,
    estimated: call.estimated,
    costNano: call.costNano,
    ...more,
  })
  const failed = attempt(1, {
    target: 'claude',
    modelAnswered: null,
    failure: call.failure ?? call.fallback ?? 'server',
    status: 529,
    code: 'overloaded_error',
    requestId: 'req_011CSHoEeqs5C35K2UUqR7Fy',
    message: 'Overloaded: the vendor asks to come back later.',
    stopReason: null,
    firstContentMs: null,
    totalMs: call.totalMs * 0.2,
    tokens: noTokens,
    costNano: null,
  })
  const isTrouble = call.failure !== null || call.fallback !== null
  const second = attempt(2, { at: call.at + call.totalMs * 0.25, totalMs: call.totalMs * 0.75 })
  return {
    call,
    api: 'anthropic',
    operation: 'generate',
    stopReason: call.failure === null ? 'end_turn' : null,
    attempts: !isTrouble ? [attempt(1, {})] : call.failure === null ? [failed, second] : [failed],
    refusals: isTrouble
      ? [{ target: 'openrouter', failure: 'circuit_open', message: 'the circuit is open for 9 s more' }]
      : [],
    waits: isTrouble
      ? [
          {
            target: 'claude',
            why: 'retry',
            at: Math.round(call.at + call.totalMs * 0.2),
            ms: call.totalMs * 0.05,
          },
        ]
      : [],
    losses: call.target === 'local' ? ['cache_control', 'thinking'] : [],
    isRemembered: isTrouble,
    hasContent: true,
  }
}
