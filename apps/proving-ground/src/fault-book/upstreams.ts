import {
  type Reply,
  type SimulatedServer,
  startClaude,
  startOllama,
  startOpenAi,
  startOpenRouter,
} from '@spillway/testing'
import type { FaultSource } from './fault-entry.ts'
import type { Row } from './row.ts'
import { upstreamApi } from './shape.ts'

/** A row with the servers that it speaks to. */
export interface PreparedRow {
  readonly row: Row
  /** Names the row to a gateway; a model name. */
  readonly model: string
  readonly first: SimulatedServer
  readonly second: SimulatedServer
  /** Where the gateway finds the first upstream: nobody listens there in some rows. */
  readonly firstUrl: string
}

/** Nothing listens here, and unlike most low ports no `fetch` refuses to try it. */
const nobody = 'http://127.0.0.1:2'

/** What the second upstream says; so that one sees who answered. */
export const secondText = 'The second target answers: the spillway carries the water.'

const servers = { anthropic: startClaude, openai: startOpenRouter, responses: startOpenAi }

/** Starts the servers of a row. `ports` are those of the first and the second upstream; 0 is any. */
export async function prepareRow(
  row: Row,
  model: string,
  ports: readonly [number, number] = [0, 0],
): Promise<PreparedRow> {
  const start = servers[upstreamApi(row.shape)]
  // Who takes over a stream goes on from the same text.
  const secondReply: Reply = row.reply ?? (row.mode === 'continue' ? {} : { text: secondText })
  const first = await start({ port: ports[0], separateWrites: true, reply: row.reply ?? {} })
  const { api, coldLoadMs } = row.fallback ?? {}
  const options = { port: ports[1], separateWrites: true, reply: secondReply }
  const second =
    api === 'ollama'
      ? await startOllama({ ...options, models: [model], ...(coldLoadMs && { coldLoadMs }) })
      : await start(options)
  if (row.stopped && ports[0] > 0) await first.close()
  return { row, model, first, second, firstUrl: row.stopped ? nobody : first.url }
}

/** Hands the faults of a row to its servers. */
export function armFaults({ row, first, second }: PreparedRow): void {
  const epoch = Date.now()
  const make = (source: FaultSource) => (typeof source === 'function' ? source(epoch) : source)
  first.next(...row.faults.map(make))
  if (row.always !== undefined) first.always(make(row.always))
  if (row.fallback?.always !== undefined) second.always(make(row.fallback.always))
}

/** Closes the servers of a row. */
export async function closeRow({ row, first, second }: PreparedRow): Promise<void> {
  await Promise.all([row.stopped ? first.close().catch(() => {}) : first.close(), second.close()])
}
