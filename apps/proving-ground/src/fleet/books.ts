import { openLedgerStore, verifyAudit } from '@spillway/ledger'
import { queryLedger } from '../booked-rows.ts'
import { type SeenCall, sessionOf } from './call.ts'
import { describe, wasKilled } from './calls.ts'
import { type Figure, none, same, told } from './figure.ts'
import type { Load } from './load.ts'
import type { Kill } from './trouble.ts'
import { usage, type VendorRequest } from './vendor.ts'
import type { World } from './world.ts'

interface BookedCall {
  readonly id: string
  readonly call_id: string
  readonly session: string
  readonly tenant: string
  readonly attempts: number
  readonly failure: string | null
}

interface BookedAttempt {
  readonly call: string
  readonly failure: string | null
  readonly input: number
  readonly output: number
}

/** Rows wait a quarter of a second in the memory of a process, and until the database has taken those before; in milliseconds. */
const rowsInMemory = 2_000

/** Whether the rows of a call that has ended may have been in the memory of a process that was killed. */
function mayBeUnbooked({ gateway, endedAt }: SeenCall, kills: readonly Kill[]): boolean {
  return kills.some(
    (kill) => kill.gateway === gateway && endedAt >= kill.at - rowsInMemory && endedAt <= kill.goneAt + 200,
  )
}

/** Compares what clients, the vendor and the ledger know of each call. */
export async function checkBooks(world: World, load: Load, kills: readonly Kill[]): Promise<Figure[]> {
  const { url } = world.postgres
  const calls = (await queryLedger(
    url,
    `select id, call_id, session, tenant, attempts::int as attempts, failure from calls where session like 'fleet-%'`,
  )) as unknown as BookedCall[]
  const attempts = (await queryLedger(
    url,
    `select call_row as call, failure, input_tokens::int as input, output_tokens::int as output from attempts where session like 'fleet-%'`,
  )) as unknown as BookedAttempt[]
  const bySession = Map.groupBy(calls, ({ session }) => session)
  const byCall = Map.groupBy(attempts, ({ call }) => call)
  const atVendor = Map.groupBy(world.vendor.requests, ({ call }) => call)
  const bookOf = (call: SeenCall): BookedCall | undefined => bySession.get(sessionOf(call.call))?.[0]
  const answered = load.seen.filter(({ outcome }) => outcome === 'answered')
  const missing = answered.filter((call) => bookOf(call) === undefined)
  const [excused, unbooked] = split(missing, (call) => mayBeUnbooked(call, kills))
  const attemptsOf = (call: SeenCall): readonly BookedAttempt[] => byCall.get(bookOf(call)?.id ?? '') ?? []
  const booked = answered.filter((call) => bookOf(call) !== undefined)
  const wrong = booked.filter((call) => {
    const book = bookOf(call) as BookedCall
    return book.call_id !== call.id || book.tenant !== call.client || book.failure !== null
  })
  const differing = booked.filter((call) => !agree(attemptsOf(call), bookOf(call), atVendor.get(call.call)))
  const counted = attempts.filter(({ failure }) => failure === null)
  const wrongUse = counted.filter(
    ({ input, output }) => input !== usage.inputTokens || output !== usage.outputTokens,
  )
  const unknown = world.vendor.requests.filter(
    ({ call, isServed }) => isServed && !bySession.has(sessionOf(call)),
  )
  const unseen = load.seen.filter((call) => wasKilled(call, kills) || mayBeUnbooked(call, kills))
  const inKilled = new Set(unseen.map(({ call }) => call))
  const unexplained = unknown.filter(({ call }) => !inKilled.has(call))
  return [
    none('answered calls that the ledger does not have', unbooked.map(describe), answered.length),
    told(
      'of the calls that a process had answered in the 2 s before it was killed, not in the ledger',
      `${excused.length} of ${answered.filter((call) => mayBeUnbooked(call, kills)).length}`,
    ),
    none(
      'calls that the ledger has twice',
      [...bySession.values()].filter((rows) => rows.length > 1).map((rows) => rows[0]?.session),
      calls.length,
    ),
    none('calls booked under another id or client, or as failed', wrong.map(describe), booked.length),
    none(
      'calls whose attempts are not those that the vendor has served',
      differing.map(
        (call) =>
          `${describe(call)} (${attemptsOf(call).length} booked, ${atVendor.get(call.call)?.length} at the vendor)`,
      ),
      booked.length,
    ),
    none(
      'attempts with another use than the vendor said',
      wrongUse.map(({ call }) => call),
      counted.length,
    ),
    none(
      'requests that the vendor served and no book has, but for those of killed processes',
      unexplained.map(({ call }) => `call ${call}`),
      world.vendor.requests.length,
    ),
    told(
      'requests that the vendor served for killed processes, not in the ledger',
      String(unknown.length - unexplained.length),
    ),
    ...(await checkSums(url, calls.length)),
  ]
}

/** Each request at the vendor is an attempt in the books, and one of them was served: that of the answer. */
function agree(
  attempts: readonly BookedAttempt[],
  book: BookedCall | undefined,
  requests: readonly VendorRequest[] = [],
): boolean {
  const served = requests.filter(({ isServed }) => isServed).length
  const booked = attempts.filter(({ failure }) => failure === null).length
  return (
    served === 1 && booked === 1 && attempts.length === book?.attempts && attempts.length >= requests.length
  )
}

async function checkSums(url: string, calls: number): Promise<Figure[]> {
  const store = openLedgerStore(url)
  try {
    const always = { from: 0, to: 8.64e15 }
    const summary = await store.summary(always)
    const [all] = await queryLedger(url, 'select count(*)::int as n from calls')
    const [cost] = await queryLedger(url, 'select coalesce(sum(cost_nano), 0)::text as n from attempts')
    const sums = await store.totals('role', always)
    const { problems } = await verifyAudit(store.audit)
    return [
      same('calls in the sums', summary.calls, Number(all?.n)),
      same(
        'nano-dollars in the sums',
        sums.reduce((sum, row) => sum + Number(row.costNano ?? 0), 0),
        Number(cost?.n),
      ),
      none(
        'faults in the chain of the audit log',
        problems.map((each) => JSON.stringify(each)),
        calls,
      ),
    ]
  } finally {
    await store.close()
  }
}

function split<T>(all: readonly T[], isFirst: (one: T) => boolean): [T[], T[]] {
  return [all.filter(isFirst), all.filter((one) => !isFirst(one))]
}
