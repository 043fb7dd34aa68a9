import { setTimeout as delay } from 'node:timers/promises'
import { handModels } from './gateways/any-gateway.ts'
import type { GatewayAdapter, RunningGateway } from './gateways/gateway.ts'
import type { Verdict } from './observation.ts'
import type { Row } from './row.ts'
import { runRow } from './run-row.ts'
import { closeRow, type PreparedRow, prepareRow } from './upstreams.ts'

/** A row that takes longer waits for a limit or for an upstream, in milliseconds. */
const longestWork = 150

/** A book being run. */
export interface RunningBook {
  /** In the order of the rows. None of them rejects before `stop`. */
  readonly verdicts: readonly Promise<Verdict>[]
  /** Waits for all rows and closes everything. */
  stop(): Promise<void>
}

/** Starts a gateway and runs rows through it, a few at a time. */
export async function runBook(
  rows: readonly Row[],
  adapter: GatewayAdapter,
  onVerdict: (verdict: Verdict, done: number) => void = () => {},
): Promise<RunningBook> {
  const { ports } = adapter
  const prepared = ports === undefined ? await prepareAll(rows) : []
  const gateway = await adapter.start(prepared.filter(({ row }) => adapter.serves?.(row) !== false))
  const settlers = rows.map(() => Promise.withResolvers<Verdict>())
  let next = 0
  let done = 0
  const run = async (index: number): Promise<void> => {
    const settler = settlers[index]
    try {
      const verdict =
        ports === undefined
          ? await runRow(prepared[index] as PreparedRow, gateway, adapter)
          : await runByHand(rows[index] as Row, gateway, adapter)
      settler?.resolve(verdict)
      onVerdict(verdict, ++done)
    } catch (error) {
      settler?.reject(error)
    }
  }
  const inFlight = new Set<Promise<void>>()
  const most = adapter.lanes + (adapter.waiting ?? 0)
  const lane = async (): Promise<void> => {
    for (let index = next++; index < rows.length; index = next++) {
      const row = run(index).finally(() => inFlight.delete(row))
      inFlight.add(row)
      await Promise.race([row, delay(longestWork)])
      while (inFlight.size >= most) await Promise.race(inFlight)
    }
  }
  for (const { promise } of settlers) promise.catch(() => {})
  const lanes = Promise.all(Array.from({ length: adapter.lanes }, lane))
  return {
    verdicts: settlers.map(({ promise }) => promise),
    async stop() {
      await lanes
      await Promise.all(inFlight)
      await gateway.stop()
      await Promise.all(prepared.map(closeRow))
    },
  }
}

/**
 * All verdicts of a whole run. Rows that a peer fails are run once more, and what they come to then counts: a busy machine
 * takes longer than any limit now and then, which must not be held against it. Spillway's rows have one try, unless `isRunAgain`.
 */
export async function verdictsOf(
  rows: readonly Row[],
  adapter: GatewayAdapter,
  onVerdict?: (verdict: Verdict, done: number) => void,
  isRunAgain: boolean = !adapter.isSpillway,
): Promise<Verdict[]> {
  const verdicts = await runOnce(rows, adapter, onVerdict)
  const failed = verdicts.filter(({ problems }) => problems.length > 0).map(({ row }) => row)
  if (!isRunAgain || failed.length === 0) return verdicts
  const again = new Map((await runOnce(failed, adapter)).map((verdict) => [verdict.row, verdict]))
  return verdicts.map((verdict) => again.get(verdict.row) ?? verdict)
}

async function runOnce(
  rows: readonly Row[],
  adapter: GatewayAdapter,
  onVerdict?: (verdict: Verdict, done: number) => void,
): Promise<Verdict[]> {
  const running = await runBook(rows, adapter, onVerdict)
  try {
    return await Promise.all(running.verdicts)
  } finally {
    await running.stop()
  }
}

function prepareAll(rows: readonly Row[]): Promise<PreparedRow[]> {
  return Promise.all(rows.map((row, index) => prepareRow(row, `row-${index + 1}`)))
}

/** A row at a gateway that knows its upstreams by fixed ports. */
async function runByHand(row: Row, gateway: RunningGateway, adapter: GatewayAdapter): Promise<Verdict> {
  const model = row.fallback === undefined ? handModels.alone : handModels.withFallback
  const prepared = await prepareRow(row, model, adapter.ports?.[row.shape.api])
  try {
    return await runRow(prepared, gateway, adapter)
  } finally {
    await closeRow(prepared)
  }
}
