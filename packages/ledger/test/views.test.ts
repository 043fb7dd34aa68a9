import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AttemptRow, type CallRow, type Entry, type LedgerStore, openLedgerStore } from '../src/index.ts'
import { type PrivatePostgres, privatePostgres } from './private-postgres.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const begin = Date.UTC(2026, 9, 30)
const folder = mkdtempSync(join(tmpdir(), 'spillway-views-'))
const postgres: PrivatePostgres | undefined = await privatePostgres()
afterAll(async () => {
  await postgres?.close()
  rmSync(folder, { recursive: true })
})

/** The same numbers each time (Lehmer). */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state * 48_271) % 2_147_483_647
    return state % below
  }
}

const calls: CallRow[] = []
const attempts: AttemptRow[] = []
const random = numbers(7)
for (let n = 0; n < 3000; n++) {
  const startedAt = begin + random(3 * day)
  const tenant = random(10) === 0 ? null : `tenant-${random(30)}`
  const model = ['claude-opus-5', 'claude-haiku-4-5', 'gpt_100%'][random(3)] as string
  const hasFallback = random(8) === 0
  const failure = random(12) === 0 ? (['timeout', 'cancelled', 'server'][random(3)] as string) : null
  const ttft = failure === null ? 1 + random(90_000) ** 0.9 : null
  const id = `run-${String(random(1_000_000)).padStart(7, '0')}-${n}`
  const target = failure === 'cancelled' ? null : hasFallback ? 'local' : 'claude'
  calls.push({
    id,
    call_id: `call-${n % 2900}`,
    started_at: startedAt,
    tenant,
    api: 'anthropic',
    operation: 'messages',
    model_asked: model,
    model_answered: model,
    target,
    attempts: hasFallback ? 2 : 1,
    failure,
    status: failure === null ? 200 : 500,
    stop_reason: null,
    ttft_ms: ttft,
    total_ms: (ttft ?? 5) * 2,
    stream: n % 2,
    fallback_from: hasFallback ? 'claude' : null,
    fallback_to: hasFallback ? 'local' : null,
    fallback_reason: hasFallback ? (n % 3 === 0 ? 'timeout' : 'overloaded') : null,
    session: n % 4 === 0 ? null : `session-${n % 37}`,
  })
  for (const role of ['primary', ...(hasFallback ? ['fallback'] : []), ...(n % 20 === 0 ? ['mirror'] : [])]) {
    const isFirst = role === 'primary' && hasFallback
    attempts.push({
      id: `${id}-${role}`,
      call_id: `call-${n % 2900}`,
      call_row: id,
      attempt: role === 'fallback' ? 2 : 1,
      role: role as AttemptRow['role'],
      started_at: startedAt + random(2 * minute),
      tenant,
      target: role === 'fallback' ? 'local' : 'claude',
      endpoint: null,
      provider: 'anthropic',
      model_asked: model,
      model_answered: model,
      input_tokens: isFirst ? 0 : random(10_000),
      output_tokens: isFirst ? 0 : 1 + random(500),
      cache_read_tokens: random(50),
      cache_write_tokens: random(50),
      reasoning_tokens: random(5),
      estimated: random(15) === 0 ? 1 : 0,
      // More than a number tells exactly when all are added up.
      cost_nano: random(9) === 0 ? null : 4_000_000_000_000 + random(1_000_000),
      failure: isFirst ? 'overloaded' : failure,
      status: null,
      stop_reason: null,
      ttft_ms: null,
      total_ms: 1,
      session: n % 4 === 0 ? null : `session-${n % 37}`,
    })
  }
}
const entries: Entry[] = [
  ...calls.map((row) => ({ table: 'calls', row }) as const),
  ...attempts.map((row) => ({ table: 'attempts', row }) as const),
]

const within =
  ({ from, to }: { from: number; to: number }) =>
  ({ started_at }: { started_at: number }): boolean =>
    started_at >= from && started_at < to
const added = <T>(rows: readonly T[], of: (row: T) => number): number =>
  rows.reduce((total, row) => total + of(row), 0)
const money = (rows: readonly AttemptRow[]): string =>
  String(rows.reduce((total, { cost_nano }) => total + BigInt(cost_nano ?? 0), 0n))
const isError = ({ failure }: { failure: string | null }): boolean =>
  failure !== null && failure !== 'cancelled'
const isProblem = (row: CallRow): boolean => isError(row) || row.fallback_to !== null
const tokens = (rows: readonly AttemptRow[]) => ({
  input: added(rows, (row) => row.input_tokens),
  output: added(rows, (row) => row.output_tokens),
  cacheRead: added(rows, (row) => row.cache_read_tokens),
  cacheWrite: added(rows, (row) => row.cache_write_tokens),
  reasoning: added(rows, (row) => row.reasoning_tokens),
})

/** Nearest rank of the durations themselves. */
function exact(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(1, Math.ceil(sorted.length * share)) - 1] as number
}

const ranges = {
  all: { from: begin - day, to: begin + 5 * day },
  'uneven minutes': { from: begin + 7 * minute, to: begin + 2 * day + 5 * hour + 31 * minute },
  'an hour': { from: begin + 90 * minute, to: begin + 150 * minute },
  nothing: { from: begin - 5 * day, to: begin - 4 * day },
}

describe.each([
  { name: 'SQLite', url: `sqlite:${join(folder, 'views.db')}` },
  ...(postgres === undefined ? [] : [{ name: 'PostgreSQL', url: postgres.url }]),
])('views of a ledger in $name', ({ url }) => {
  let store: LedgerStore
  let others: LedgerStore[]
  beforeAll(async () => {
    store = openLedgerStore(url)
    others = url.startsWith('postgres') ? [store, openLedgerStore(url), openLedgerStore(url)] : [store]
    // Each batch twice, one after the other or by several processes at the same time.
    const batches: Entry[][] = []
    for (let n = 0; n < entries.length; n += 250) batches.push(entries.slice(n, n + 250))
    await Promise.all(
      others.map(async (writer, index) => {
        for (const batch of index === 1 ? batches.toReversed() : [...batches, ...batches])
          await writer.write(batch)
      }),
    )
  })
  afterAll(() => Promise.all(others.map((each) => each.close())))

  describe.each(Object.entries(ranges))('of %s', (_name, range) => {
    const ourCalls = calls.filter(within(range))
    const ourAttempts = attempts.filter(within(range))

    it('agree with the rows in the summary', async () => {
      const retries = ourAttempts.filter(({ role }) => role === 'fallback')
      expect(await store.summary(range)).toMatchObject({
        range,
        calls: ourCalls.length,
        errors: ourCalls.filter(isError).length,
        cancelled: ourCalls.filter(({ failure }) => failure === 'cancelled').length,
        fallbacks: ourCalls.filter(({ fallback_to }) => fallback_to !== null).length,
        retries: retries.length,
        retryCostNano: money(retries),
        costNano: money(ourAttempts),
        estimatedCostNano: money(ourAttempts.filter(({ estimated }) => estimated === 1)),
        estimated: added(ourAttempts, (row) => row.estimated),
        unpriced: ourAttempts.filter((row) => row.cost_nano === null && tokenSum(row) > 0).length,
        tokens: tokens(ourAttempts),
        estimatedTokens: tokens(ourAttempts.filter(({ estimated }) => estimated === 1)),
      })
      expect(await store.countCalls(range)).toBe(ourCalls.length)
    })

    it('give percentiles within 5 %', async () => {
      const [all] = await store.latency(range)
      for (const key of [undefined, 'claude', 'local']) {
        const rows = ourCalls.filter(({ target }) => key === undefined || target === key)
        const given =
          key === undefined ? all : (await store.latency(range, 'target')).find((row) => row.key === key)
        for (const [name, share] of [
          ['p50', 0.5],
          ['p95', 0.95],
          ['p99', 0.99],
        ] as const) {
          const firsts = rows.flatMap(({ ttft_ms }) => ttft_ms ?? [])
          const totals = rows.filter(({ failure }) => failure === null).map(({ total_ms }) => total_ms)
          if (firsts.length === 0) expect(given?.firstContent[name] ?? null).toBeNull()
          else {
            expect((given?.firstContent[name] as number) / exact(firsts, share)).toBeCloseTo(1, 1)
            expect(Math.abs((given?.total[name] as number) / exact(totals, share) - 1)).toBeLessThan(0.05)
          }
        }
      }
    })

    it('agree with the rows in each step of a series', async () => {
      for (const steps of [1, 24, 60]) {
        const points = await store.series(range, steps)
        expect(points.length).toBeLessThanOrEqual(steps + 1)
        const [first, second] = points
        if (first === undefined) throw new Error('no points')
        expect(first.at).toBeLessThanOrEqual(range.from)
        const step = second === undefined ? range.to - first.at : second.at - first.at
        for (const [index, point] of points.entries()) {
          expect(point.at).toBe(first.at + index * step)
          // Long steps may begin a little before the range, in whole hours or days.
          if (index === 0) continue
          const part = within({ from: point.at, to: Math.min(point.at + step, range.to) })
          expect(point.calls).toBe(calls.filter(part).length)
          expect(point.errors).toBe(calls.filter(part).filter(isError).length)
          expect(point.costNano).toBe(money(attempts.filter(part)))
        }
      }
    })

    it('agree with the rows by each grouping', async () => {
      const keys = {
        model: (row: AttemptRow | CallRow) => row.model_asked,
        tenant: (row: AttemptRow | CallRow) => row.tenant ?? '',
        target: (row: AttemptRow | CallRow) => row.target ?? '',
        day: (row: AttemptRow | CallRow) => new Date(row.started_at).toISOString().slice(0, 10),
      }
      for (const [by, keyOf] of Object.entries(keys)) {
        const names = [...new Set([...ourCalls, ...ourAttempts].map(keyOf))].toSorted()
        expect(await store.totals(by as keyof typeof keys, range)).toEqual(
          names.map((key) => {
            const rows = ourAttempts.filter((row) => keyOf(row) === key)
            return {
              key,
              calls: ourCalls.filter((row) => keyOf(row) === key).length,
              failedCalls: ourCalls.filter((row) => keyOf(row) === key).filter(isError).length,
              attempts: rows.length,
              errors: rows.filter(isError).length,
              cancelled: rows.filter(({ failure }) => failure === 'cancelled').length,
              tokens: tokens(rows),
              estimatedTokens: tokens(rows.filter(({ estimated }) => estimated === 1)),
              costNano: money(rows),
              estimatedCostNano: money(rows.filter(({ estimated }) => estimated === 1)),
              estimated: added(rows, (row) => row.estimated),
              unpriced: rows.filter((row) => row.cost_nano === null && tokenSum(row) > 0).length,
            }
          }),
        )
      }
      for (const by of ['model', 'tenant', 'target', 'day', 'role'] as const) {
        const all = await store.totals(by, range)
        const { rows, other } = await store.largestTotals(by, range, 3)
        const largest = all.toSorted(
          (a, b) =>
            Number(BigInt(b.costNano) - BigInt(a.costNano)) || b.calls - a.calls || (a.key < b.key ? -1 : 1),
        )
        const names = largest.slice(0, 3).map(({ key }) => key)
        expect(rows).toEqual(all.filter(({ key }) => names.includes(key)))
        const rest = largest.slice(3)
        expect(other?.groups ?? 0).toBe(rest.length)
        for (const name of ['calls', 'failedCalls', 'attempts', 'errors', 'estimated', 'unpriced'] as const)
          expect(other?.[name] ?? 0).toBe(added(rest, (row) => row[name]))
        expect(other?.costNano ?? '0').toBe(String(rest.reduce((sum, row) => sum + BigInt(row.costNano), 0n)))
      }
      const roles = await store.totals('role', range)
      expect(added(roles, (row) => row.attempts)).toBe(ourAttempts.length)
    })

    it('agree with the rows in what each tenant used, mirrors apart', async () => {
      const rows = ourAttempts
      const expected = [
        ...new Set(rows.map(({ tenant, role }) => `${tenant ?? ''} ${role === 'mirror'}`)),
      ].map((group) => {
        const own = rows.filter(({ tenant, role }) => `${tenant ?? ''} ${role === 'mirror'}` === group)
        const [tenant, isShadow] = group.split(' ')
        return {
          tenant,
          isShadow: isShadow === 'true',
          requests: own.filter(({ role }) => role === 'primary').length,
          tokens: added(
            own,
            (row) => row.input_tokens + row.output_tokens + row.cache_read_tokens + row.cache_write_tokens,
          ),
          costNano: money(own),
        }
      })
      const names = (row: object): string => JSON.stringify(row)
      expect((await store.tenantUse(range)).map(names).sort()).toEqual(expected.map(names).sort())
    })

    it('end what each tenant used at the very moment, in the middle of a minute too', async () => {
      const sorted = ourAttempts.map(({ started_at }) => started_at).sort((a, b) => a - b)
      for (const to of [...sorted.slice(20, 21), ...sorted.slice(sorted.length / 2).slice(0, 1)]) {
        const use = await store.tenantUse({ from: range.from, to })
        const before = ourAttempts.filter(({ started_at, role }) => started_at < to && role === 'primary')
        expect(added(use, ({ requests }) => requests)).toBe(before.length)
      }
    })

    it('count calls by each facet, with what the other filters let through', async () => {
      const read = {
        model: (row: CallRow) => row.model_asked,
        tenant: (row: CallRow) => row.tenant ?? '',
        target: (row: CallRow) => row.target ?? '',
        failure: (row: CallRow) => row.failure ?? '',
        status: (row: CallRow) => String(row.status ?? 0),
        reason: (row: CallRow) => row.fallback_reason ?? '',
      }
      for (const filter of [
        {},
        { model: 'claude-opus-5' },
        { status: 500, problems: true, target: 'local' },
      ]) {
        const found = await store.facets(range, filter)
        for (const [facet, of] of Object.entries(read)) {
          const counts = new Map<string, number>()
          for (const row of ourCalls) {
            const holds = Object.entries(filter).every(([name, value]) =>
              name === facet
                ? true
                : name === 'problems'
                  ? isProblem(row)
                  : read[name as keyof typeof read](row) === String(value),
            )
            if (holds) counts.set(of(row), (counts.get(of(row)) ?? 0) + 1)
          }
          const expected = [...counts].map(([value, count]) => ({ value, calls: count }))
          expect(found[facet as keyof typeof read].toSorted(byValue)).toEqual(expected.toSorted(byValue))
          const inOrder = found[facet as keyof typeof read].map((each) => each.calls)
          expect(inOrder).toEqual(inOrder.toSorted((a, b) => b - a))
        }
        // Of exactly this time, and the filters of all facets.
        const matching = calls
          .filter(within(range))
          .filter((row) =>
            Object.entries(filter).every(([name, value]) =>
              name === 'problems' ? isProblem(row) : read[name as keyof typeof read](row) === String(value),
            ),
          )
        const latest = matching.toSorted((a, b) => b.started_at - a.started_at || (a.id < b.id ? 1 : -1))
        const ofSession = new Map<string, number>()
        for (const { session } of latest.slice(0, 2000))
          if (session != null) ofSession.set(session, (ofSession.get(session) ?? 0) + 1)
        const counts = [...ofSession]
          .map(([value, count]) => ({ value, calls: count }))
          .toSorted((a, b) => b.calls - a.calls || byValue(a, b))
        expect(found.session).toEqual(counts.slice(0, 20))

        const { times, calls: count, problems } = await store.matchingCalls(range, 40, filter)
        const steps = (await store.series(range, 40)).map(({ at }) => at)
        expect(times).toEqual(steps)
        const step = (steps[1] ?? 0) - (steps[0] ?? 0)
        const inStep = (rows: readonly CallRow[]): number[] =>
          steps.map((at) => rows.filter(within({ from: at, to: at + step })).length)
        if (steps.length > 2) {
          // Steps may reach beyond the range at both ends.
          const inner = (list: readonly number[]): readonly number[] => list.slice(1, -1)
          expect(inner(count)).toEqual(inner(inStep(matching)))
          expect(inner(problems)).toEqual(inner(inStep(matching.filter(isProblem))))
        }
      }
    })

    it('tell of conversations in whole hours, by cost, calls, errors and time', async () => {
      const hours = {
        from: Math.floor(range.from / hour) * hour,
        to: Math.ceil(range.to / hour) * hour,
      }
      const rows = await store.sessions(range, 'cost', 1000)
      const names = new Set(
        [...calls, ...attempts].filter(within(hours)).flatMap(({ session }) => session ?? []),
      )
      expect(new Set(rows.map(({ session }) => session))).toEqual(names)
      for (const row of rows) {
        const own = calls.filter(within(hours)).filter(({ session }) => session === row.session)
        const tried = attempts
          .filter(within(hours))
          .filter(({ session, role }) => session === row.session && role !== 'mirror')
        expect(row).toMatchObject({
          calls: own.length,
          errors: own.filter(isError).length,
          attempts: tried.length,
          output: added(tried, ({ output_tokens }) => output_tokens),
          costNano: money(tried),
        })
        const last = Math.max(...own.map(({ started_at }) => started_at))
        if (own.length > 0) expect(row.lastAt).toBe(last)
      }
      const newest = (await store.sessions(range, 'recent', 50)).map(({ lastAt }) =>
        Math.floor(lastAt / hour),
      )
      expect(newest).toEqual(newest.toSorted((a, b) => b - a))
      const costs = rows.map(({ costNano }) => BigInt(costNano))
      expect(costs).toEqual(costs.toSorted((a, b) => (a < b ? 1 : -1)))
      const errors = (await store.sessions(range, 'errors', 5)).map((row) => row.errors)
      expect(errors).toEqual(errors.toSorted((a, b) => b - a))
      expect(errors.length).toBeLessThanOrEqual(5)
    })

    it('split a series by those that cost most, and the others', async () => {
      for (const by of ['model', 'tenant', 'target'] as const) {
        const whole = await store.series(range, 24)
        const { times, series, other } = await store.splitSeries(range, 24, by, 2)
        expect(series.length).toBeLessThanOrEqual(2)
        if (series.length === 0) continue
        expect(times).toEqual(whole.map(({ at }) => at))
        const parts = [...series.map(({ points }) => points), ...(other === undefined ? [] : [other.points])]
        for (const [index, point] of whole.entries()) {
          const at = parts.map((points) => points[index] as (typeof whole)[number])
          for (const name of ['calls', 'errors', 'fallbacks'] as const)
            expect(added(at, (each) => each[name])).toBe(point[name])
          expect(String(at.reduce((total, each) => total + BigInt(each.costNano), 0n))).toBe(point.costNano)
        }
        const [first] = series
        if (by !== 'tenant') {
          const row = (await store.latency(range, by)).find(({ key }) => key === first?.key)
          // Long steps begin a little before the range.
          if (times[0] === range.from) expect(first?.firstContent).toEqual(row?.firstContent)
        }
        const firsts = ourCalls
          .filter((row) => (by === 'model' ? row.model_asked : (row[by] ?? '')) === first?.key)
          .filter(({ ttft_ms }) => ttft_ms !== null)
        expect(first?.points.some(({ firstContent }) => firstContent.p50 !== null)).toBe(firsts.length > 0)
      }
    })

    it('tell who was asked instead of whom, and why', async () => {
      const reasons = (reason: string): number =>
        ourCalls.filter((row) => row.fallback_reason === reason).length
      expect(await store.fallbacks(range)).toEqual(
        ['overloaded', 'timeout']
          .map((reason) => ({ from: 'claude', to: 'local', reason, calls: reasons(reason) }))
          .filter((row) => row.calls > 0)
          .toSorted((a, b) => b.calls - a.calls),
      )
    })
  })

  it('give calls in pages, each once, by any filter', async () => {
    const newest = calls.toSorted((a, b) => b.started_at - a.started_at || (a.id < b.id ? 1 : -1))
    const cases: readonly [object, (row: CallRow) => boolean][] = [
      [{}, () => true],
      [{ model: 'claude-opus-5' }, (row) => row.model_asked === 'claude-opus-5'],
      [
        { tenant: 'tenant-3', failure: 'timeout' },
        (row) => row.tenant === 'tenant-3' && row.failure === 'timeout',
      ],
      [
        { target: 'local', model: 'gpt_100%' },
        (row) => row.target === 'local' && row.model_asked === 'gpt_100%',
      ],
      [{ query: 'call-28' }, (row) => row.call_id.startsWith('call-28')],
      [
        { query: 'OPUS', target: 'local' },
        (row) => row.model_asked.includes('opus') && row.target === 'local',
      ],
      [{ query: 't_100%' }, (row) => row.model_asked === 'gpt_100%'],
      [{ query: 'tenant' }, (row) => row.tenant !== null],
      [{ range: ranges['uneven minutes'] }, within(ranges['uneven minutes'])],
      [{ session: 'session-5' }, (row) => row.session === 'session-5'],
      [
        { session: 'session-6', problems: true, range: ranges['uneven minutes'] },
        (row) => row.session === 'session-6' && isProblem(row) && within(ranges['uneven minutes'])(row),
      ],
      [{ problems: true }, isProblem],
      [{ failure: '', tenant: '' }, (row) => row.failure === null && row.tenant === null],
      [
        { status: 500, model: 'claude-opus-5' },
        (row) => row.status === 500 && row.model_asked === 'claude-opus-5',
      ],
      [{ reason: 'timeout' }, (row) => row.fallback_reason === 'timeout'],
      [{ query: 'CALL-28' }, () => false],
      [{ query: "'; drop table calls" }, () => false],
    ]
    for (const [filter, holds] of cases) {
      const expected = newest.filter(holds).map(({ id }) => id)
      const seen: string[] = []
      let before: string | undefined
      do {
        const page = await store.calls({ limit: 170, before, ...filter })
        seen.push(...page.calls.map(({ id }) => id))
        before = page.next
      } while (before !== undefined)
      expect(seen).toEqual(expected)
    }
  })

  it('give a call with what its attempts used, but for mirrors', async () => {
    const { calls: page } = await store.calls({ limit: 200 })
    for (const view of page) {
      const row = calls.find(({ id }) => id === view.id) as CallRow
      const own = attempts.filter(({ call_row, role }) => call_row === row.id && role !== 'mirror')
      expect(view).toEqual({
        id: row.id,
        callId: row.call_id,
        at: row.started_at,
        tenant: row.tenant,
        model: row.model_asked,
        modelAnswered: row.model_answered,
        session: row.session,
        target: row.target,
        stream: row.stream === 1,
        attempts: row.attempts,
        fallback: row.fallback_to
          ? { from: row.fallback_from, to: row.fallback_to, reason: row.fallback_reason }
          : null,
        failure: row.failure,
        status: row.status,
        firstContentMs: row.ttft_ms,
        totalMs: row.total_ms,
        tokens: tokens(own),
        estimated: own.some(({ estimated }) => estimated === 1),
        costNano: own.every(({ cost_nano }) => cost_nano === null) ? null : money(own),
      })
    }
  })

  it('tell the story of a call, with the attempts of its mirrors', async () => {
    const row = calls.find(
      ({ fallback_to, id }) => fallback_to !== null && calls.at(-1)?.id !== id,
    ) as CallRow
    const sameId = calls.filter(({ call_id }) => call_id === row.call_id)
    const newest = sameId.toSorted((a, b) => b.started_at - a.started_at)[0] as CallRow
    const own = attempts.filter(({ call_row }) => call_row === newest.id)
    const story = await store.callStory(row.call_id)
    expect(story).toMatchObject({
      call: { id: newest.id, session: newest.session },
      api: 'anthropic',
      operation: 'messages',
    })
    expect(story?.attempts.map(({ role }) => role).toSorted()).toEqual(own.map(({ role }) => role).toSorted())
    const [first] = story?.attempts ?? []
    expect(first).toMatchObject({ provider: 'anthropic', requestId: null, code: null, totalMs: 1 })
    expect(await store.callStory('none')).toBeNull()
  })

  it('tell estimated tokens of what an older version has booked', async () => {
    await beforeEstimatedTokens(url)
    const upgraded = openLedgerStore(url)
    const ours = attempts.filter(({ estimated }) => estimated === 1)
    expect((await upgraded.summary(ranges.all)).estimatedTokens).toEqual(tokens(ours))
    for (const { key, estimatedTokens } of await upgraded.totals('tenant', ranges['uneven minutes']))
      expect(estimatedTokens).toEqual(
        tokens(ours.filter(within(ranges['uneven minutes'])).filter(({ tenant }) => (tenant ?? '') === key)),
      )
    await upgraded.close()
  })

  it('refuse what cannot be', async () => {
    await expect(store.calls({ limit: 0 })).rejects.toThrow('calls: limit must be')
    await expect(store.calls({ limit: 5, before: 'x' })).rejects.toThrow('calls: before must be')
    await expect(store.series(ranges.all, 0)).rejects.toThrow('series: steps must be')
    await expect(store.splitSeries(ranges.all, 5, 'model', 21)).rejects.toThrow('splitSeries: limit must be')
    await expect(store.sessions(ranges.all, 'cost', 0)).rejects.toThrow('sessions: limit must be')
  })
})

it('sums up what an older version has booked', async () => {
  const file = join(folder, 'older.db')
  const store = openLedgerStore(`sqlite:${file}`)
  await store.write(entries)
  const before = [await store.summary(ranges.all), await store.totals('tenant', ranges.all)]
  await store.close()
  const database = new DatabaseSync(file)
  for (const table of ['usage', 'call', 'latency', 'fallback']) database.exec(`drop table ${table}_rollups`)
  for (const index of [
    'calls_page',
    'calls_model_asked',
    'calls_tenant',
    'calls_target',
    'calls_failure',
    'calls_problems',
    'calls_reason',
  ])
    database.exec(`drop index ${index}`)
  database.exec('drop index attempts_call_row; alter table attempts drop column call_row')
  database.exec('create index calls_started_at on calls (started_at); alter table calls drop column stream')
  for (const column of ['from', 'to', 'reason'])
    database.exec(`alter table calls drop column fallback_${column}`)
  database.exec(
    'create index attempts_call_id on attempts (call_id); delete from ledger_version where version between 2 and 4',
  )
  database.close()
  const reopened = openLedgerStore(`sqlite:${file}`)
  const after = [await reopened.summary(ranges.all), await reopened.totals('tenant', ranges.all)]
  // Nobody had noted then which target was left for which.
  expect(after).toEqual([{ ...before[0], fallbacks: 0 }, before[1]])
  expect(await reopened.write(entries)).toBe(0)
  await reopened.close()
})

/** The tables as they were before tokens were summed up by whether they are estimated. */
async function beforeEstimatedTokens(url: string): Promise<void> {
  const statements = [
    ...['input', 'output', 'cache_read', 'cache_write', 'reasoning'].map(
      (type) => `alter table usage_rollups drop column estimated_${type}_tokens`,
    ),
    'delete from ledger_version where version = 4',
  ]
  if (url.startsWith('sqlite:')) {
    const database = new DatabaseSync(url.slice('sqlite:'.length))
    for (const statement of statements) database.exec(statement)
    database.close()
    return
  }
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  for (const statement of statements) await client.query(statement)
  await client.end()
}

const byValue = (a: { value: string }, b: { value: string }): number => (a.value < b.value ? -1 : 1)

function tokenSum(row: AttemptRow): number {
  return row.input_tokens + row.output_tokens + row.cache_read_tokens + row.cache_write_tokens
}
