import {
  type BudgetAmounts,
  type BudgetDecision,
  type BudgetEvent,
  type BudgetRule,
  type BudgetStatus,
  type BudgetStore,
  type Budgets,
  createBudgets,
  isBudgetRefusal,
} from '@spillway/budgets'
import type { AttemptRow, CallRow, Entry, LedgerStore } from '@spillway/ledger'
import {
  type Clock,
  type Handler,
  listen,
  type Middleware,
  type ModelRequest,
  type ModelResponse,
  named,
} from '@spillway/middleware'
import { recordCall } from '@spillway/middleware/kit'
// Brings in the context's `mirrorOf`.
import type {} from '@spillway/mirror'
import { refuse } from '@spillway/wire'
import type { Client } from '../clients/client-directory.ts'
import type { BudgetsConfig } from '../config/config.ts'
import type { Books } from '../ledger/books.ts'
import type { RunningTarget } from '../targets.ts'
import { budgetRefusal } from './budget-refusal.ts'
import { type CallBudget, callBudget, useOf } from './call-budget.ts'
import { callRules } from './call-rules.ts'
import { estimateCall } from './estimate-call.ts'
import { answerHeaders, type LimitHeaders } from './limit-headers.ts'
import { ledgerOpenings } from './openings.ts'
import { quotesOf } from './quotes.ts'

declare module '@spillway/middleware' {
  interface RequestContext {
    /** Undefined where nothing limits the call. */
    readonly budgeted?: BudgetedCall | undefined
  }
}

/** A call that counts on budgets. */
export interface BudgetedCall {
  readonly rules: readonly BudgetRule[]
  /** What its answer says of them, once that is known; with a refusal, of that. */
  headers?: LimitHeaders | undefined
  /** While it runs. */
  budget?: CallBudget | undefined
}

/** The budgets of a running gateway. */
export interface RunningBudgets {
  readonly engine: Budgets
  /** For the context of a call; undefined where nothing limits it. */
  begin(client: Client | undefined, tenant: string | undefined): BudgetedCall | undefined
  /** Keeps the calls on a route within their budgets. */
  calls(targets: readonly Pick<RunningTarget, 'endpoints' | 'model'>[]): Middleware
  /** Charges an attempt that has been booked. */
  book(row: AttemptRow, request: Pick<ModelRequest, 'context'>): void
  /** Books a batch whose results have been read, and charges it, once. */
  bookBatch(
    entries: readonly Entry[],
    reader: Client | undefined,
    books: Pick<Books, 'book'> & { readonly store: Pick<Books['store'], 'callStory'> },
  ): void
  /** What `/readyz` says; undefined where nothing counts on budgets. */
  state(): string | undefined
  close(): void
  /** Goes on with another configuration. */
  use(config: BudgetsConfig | undefined): void
}

export interface RunningBudgetsOptions {
  readonly config: BudgetsConfig | undefined
  /** Where several gateways count together. */
  readonly store?: (BudgetStore & { readonly status: string }) | undefined
  /** Where what was used before is read; undefined where nothing is kept. */
  readonly ledger?: Pick<LedgerStore, 'tenantUse'> | undefined
  readonly membersOf?: ((team: string) => readonly string[]) | undefined
  readonly clock: Clock
  readonly log: (line: string) => void
  readonly onEvent?: ((event: BudgetEvent) => void) | undefined
  /** Hears how the budgets of each call are that is admitted. Must not throw. */
  readonly onStatuses?: ((statuses: readonly BudgetStatus[]) => void) | undefined
}

export function openBudgets(options: RunningBudgetsOptions): RunningBudgets {
  const { config, store, onEvent, onStatuses, ledger, membersOf = () => [], clock, log } = options
  const engine = createBudgets({ store, onEvent })
  const openings = ledger && ledgerOpenings({ engine, ledger, membersOf, clock, log })
  const rules = callRules(config)
  let contact = config?.contact
  let isUsed = false
  const begin = (): void => {
    isUsed = true
    if (ledger === undefined && store === undefined)
      log('budgets begin at zero with each start: storage.url keeps what was used')
  }
  // Asked before the first call needs it.
  if (rules.all.length > 0) {
    begin()
    void openings?.open(rules.all)
  }

  const decided = async (
    request: ModelRequest,
    next: Handler,
    call: BudgetedCall,
    { decision, most }: { readonly decision: BudgetDecision; readonly most: BudgetAmounts },
  ): Promise<ModelResponse> => {
    const { api, model, clock } = request
    if (isBudgetRefusal(decision)) {
      const { failure, headers } = budgetRefusal(decision, { api, model, now: clock.epoch(), contact })
      call.headers = headers
      return refuse(request, failure)
    }
    onStatuses?.(decision.statuses)
    call.headers = answerHeaders(api, decision.statuses, clock.epoch())
    const recorded = recordCall(request)
    const { record } = recorded.context
    const budget = callBudget(decision, record, most)
    call.budget = budget
    const followed = listen(recorded, ({ type }) => {
      if (type === 'attempt.started' && record.begun > 1) budget.begin()
    })
    try {
      const response = await next(followed)
      response.outcome.then(budget.end)
      return response
    } catch (error) {
      budget.end()
      throw error
    }
  }

  return {
    engine,
    begin(client, tenant) {
      const own = rules.of(client, tenant)
      if (own === undefined) return undefined
      if (!isUsed) begin()
      return { rules: own }
    },
    calls(targets) {
      const quote = quotesOf(targets)
      const budgeting: Middleware = (next) => (request) => {
        const { budgeted } = request.context
        if (budgeted === undefined) return next(request)
        const own = request.operation === 'generate' ? budgeted.rules : requestsOf(budgeted.rules)
        if (own.length === 0) return next(request)
        const isPriced = own.some(({ unit }) => unit === 'usd')
        const estimate = estimateCall(request, isPriced ? quote : undefined)
        const { most } = estimate
        const opening = openings?.open(budgeted.rules)
        const made =
          opening === undefined
            ? engine.reserve(own, estimate)
            : opening.then(() => engine.reserve(own, estimate))
        return made instanceof Promise
          ? made.then((decision) => decided(request, next, budgeted, { decision, most }))
          : decided(request, next, budgeted, { decision: made, most })
      }
      return named(budgeting, 'budgets')
    },
    book(row, { context }) {
      // A shadow call is the operator's, whoever made the call that it repeats.
      if (context.mirrorOf === undefined) context.budgeted?.budget?.book(row)
      else if (rules.all.length > 0) void engine.charge(rules.all, useOf(row))
    },
    bookBatch(entries, reader, books) {
      const isOfCall = ({ table }: Entry): boolean => table === 'calls' || table === 'attempts'
      const first = entries.find(isOfCall)?.row as CallRow | AttemptRow | undefined
      if (first === undefined) return
      const { call_id: id, tenant } = first
      const own = rules.of(reader, tenant ?? undefined)
      if (own === undefined) return books.book(entries)
      const used = entries.flatMap((entry) => (entry.table === 'attempts' ? [useOf(entry.row)] : []))
      // The books take each batch once, before a restart too; so must budgets.
      void books.store
        .callStory(id)
        .catch(() => null)
        .then((story) => {
          books.book(entries)
          if (story !== null) return
          for (const each of used) void engine.charge(own, { ...each, requests: 1 })
        })
    },
    state: () => (isUsed ? (openings?.isWaiting ? 'opening' : (store?.status ?? 'local')) : undefined),
    close: () => openings?.close(),
    use(next) {
      rules.use(next)
      contact = next?.contact
    },
  }
}

/** Counting tokens costs nothing but the request. */
function requestsOf(rules: readonly BudgetRule[]): readonly BudgetRule[] {
  let found = requestsAlone.get(rules)
  if (found === undefined) {
    found = rules.filter(({ unit }) => unit === 'requests')
    requestsAlone.set(rules, found)
  }
  return found
}

const requestsAlone = new WeakMap<readonly BudgetRule[], readonly BudgetRule[]>()
