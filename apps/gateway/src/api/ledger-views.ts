import {
  BadParameter,
  type CallRow,
  type CallStory,
  type Calls,
  type Changes,
  type Facets,
  type Fallbacks,
  type Matches,
  type Mirrors,
  none,
  type Query,
  rangeOf,
  type Series,
  type Sessions,
  type Summary,
  type Usage,
} from '@spillway/gateway-api'
import type { CallView, ChangeRow, OutcomeFilter } from '@spillway/ledger'
import { type Clock, systemClock } from '@spillway/middleware'
import type { Books } from '../ledger/books.ts'
import type { CallNote } from './call-notes.ts'
import { type ConfiguredMirror, mirrorsView } from './mirror-view.ts'
import type { SharedReads } from './shared-reads.ts'
import { spanIfAsked, spanOf } from './spans.ts'
import type { TenantNames } from './tenant-names.ts'
import { within } from './within.ts'

/** What `/api` says of the past. */
export interface LedgerViews {
  summary(query: Query<'summary'>): Promise<Summary>
  usage(query: Query<'usage'>): Promise<Usage>
  series(query: Query<'series'>): Promise<Series>
  fallbacks(query: Query<'fallbacks'>): Promise<Fallbacks>
  facets(query: Query<'facets'>): Promise<Facets>
  matches(query: Query<'facets'>): Promise<Matches>
  sessions(query: Query<'sessions'>): Promise<Sessions>
  calls(query: Query<'calls'>): Promise<Calls>
  changes(query: Query<'changes'>): Promise<Changes>
  /** @param configured mirrors that run now */
  mirrors(query: Query<'mirror'>, configured: readonly ConfiguredMirror[]): Promise<Mirrors>
  /** Undefined where there is none. */
  story(id: string): Promise<CallStory | undefined>
}

/** How long a question waits for the last rows, in milliseconds; then it is answered without those. */
const longestFlush = 2000

/**
 * The past as the ledger has it: exact counts, tokens and costs, of all gateways that share its database, up to the last
 * call of this one that has ended; while the database is slow, or takes what has waited for it, up to what it has.
 */
export function ledgerViews(
  { store, flush }: Pick<Books, 'store' | 'flush'>,
  shared: SharedReads,
  now: () => number,
  noteOf: (callId: string) => Promise<CallNote | undefined>,
  hasContent: (callId: string) => Promise<boolean>,
  names: TenantNames,
  clock: Clock = systemClock,
): LedgerViews {
  const read = <T>(question: unknown, ask: () => Promise<T>): Promise<T> =>
    shared(JSON.stringify(question), async () => {
      await within(longestFlush, flush(), () => {}, clock)
      return ask()
    })
  /** A row of a tenant with its name; those of other groups have none. */
  const named = <T extends object>(by: string, tenant: string, row: T): T & { name?: string | null } =>
    by === 'tenant' ? { ...row, name: names.of(tenant) } : row
  const callRow = ({ callId, at, tenant, fallback, ...call }: CallView): CallRow => ({
    ...{ id: callId, at, tenant, tenantName: names.of(tenant) },
    ...{ ...call, id: callId, fallback: fallback?.reason ?? null },
  })
  const stepsOf = ({ from, to, step }: ReturnType<typeof rangeOf>): number => Math.ceil((to - from) / step)
  return {
    async summary(query) {
      const asked = rangeOf(query, now())
      const range = { from: asked.from, to: asked.to }
      const [{ estimated: _, ...summary }, series] = await read(['summary', asked], () =>
        Promise.all([store.summary(range), store.series(range, stepsOf(asked))]),
      )
      return { ...summary, series }
    },
    async usage({ by, limit, ...query }) {
      const range = spanOf(query, now())
      const { rows, other } = await read(['usage', by, range, limit], () =>
        store.largestTotals(by, range, limit),
      )
      return {
        ...{ range, by, other: other && usageRow(other) },
        rows: rows.map(({ key, ...row }) => ({ ...named(by, key, { key }), ...usageRow(row) })),
      }
    },
    async series({ by, limit, ...query }) {
      const asked = rangeOf(query, now())
      const range = { from: asked.from, to: asked.to }
      const split = await read(['series', by, limit, asked], () =>
        store.splitSeries(range, stepsOf(asked), by, limit),
      )
      return { range, ...split, series: split.series.map((each) => named(by, each.key, each)) }
    },
    async fallbacks(query) {
      const range = spanOf(query, now())
      return { range, rows: await read(['fallbacks', range], () => store.fallbacks(range)) }
    },
    async facets(query) {
      const range = spanOf(query, now())
      const filter = outcomeFilter(query)
      const facets = await read(['facets', range, filter], () => store.facets(range, filter))
      return {
        range,
        facets: { ...facets, tenant: facets.tenant.map((each) => named('tenant', each.value, each)) },
      }
    },
    async matches(query) {
      const asked = rangeOf(query, now())
      const range = { from: asked.from, to: asked.to }
      const filter = outcomeFilter(query)
      const found = await read(['matches', asked, filter], () =>
        store.matchingCalls(range, stepsOf(asked), filter),
      )
      return { range, ...found }
    },
    async sessions({ order, limit, ...query }) {
      const range = spanOf(query, now())
      const rows = await read(['sessions', order, limit, range], () => store.sessions(range, order, limit))
      return {
        range,
        rows: rows.map(({ session, tenant, ...row }) => ({
          session,
          tenant,
          tenantName: names.of(tenant),
          ...row,
        })),
      }
    },
    async calls(query) {
      const { limit, before, session, query: text } = query
      const filter = {
        ...{ limit, before, session, query: text, ...outcomeFilter(query) },
        range: spanIfAsked(query, now()),
        tenantsLike: text === undefined ? undefined : names.like(text),
      }
      const { calls, next } = await read(['calls', filter], () => store.calls(filter))
      return { calls: calls.map(callRow), next }
    },
    async changes({ limit, ...query }) {
      const range = spanOf(query, now())
      const rows = await read(['changes', range, limit], () => store.changes(range, limit))
      return { range, changes: rows.map(changeView) }
    },
    async mirrors(query, configured) {
      const range = spanOf(query, now())
      return mirrorsView(range, configured, await read(['mirror', range], () => store.comparisons(range)))
    },
    async story(id) {
      if (id === '' || id.length > 256) throw new BadParameter('id', 'expected the id of a call')
      const story = await read(['story', id], () => store.callStory(id))
      if (story === null) return undefined
      const [note, isKept] = await Promise.all([noteOf(id), hasContent(id)])
      const { call, api, operation, stopReason, attempts } = story
      return {
        ...{ call: callRow(call), api, operation, stopReason },
        attempts: attempts.map((attempt) => ({
          ...attempt,
          message: note?.messages.get(attempt.number) ?? null,
        })),
        refusals: note?.refusals ?? [],
        waits: note?.waits ?? [],
        losses: note?.losses ?? [],
        isRemembered: note !== undefined,
        hasContent: isKept,
      }
    },
  }
}

/** What is asked for by name of none is an empty text in the ledger. */
function outcomeFilter(query: OutcomeFilter): OutcomeFilter {
  const { model, tenant, target, failure, reason, status, problems } = query
  const texts = Object.entries({ model, tenant, target, failure, reason }).map(([name, value]) => [
    name,
    value === none ? '' : value,
  ])
  return { ...Object.fromEntries(texts), status, problems }
}

function changeView({
  started_at: at,
  kind,
  target,
  endpoint,
  subject,
  was,
  became,
  reason,
  until,
}: ChangeRow) {
  return { at, kind, target, endpoint, subject, was, became, reason, until }
}

function usageRow<T extends { readonly cancelled: number }>({
  cancelled: _,
  ...row
}: T): Omit<T, 'cancelled'> {
  return row
}
