import { readFileSync } from 'node:fs'
import type { Mode } from '../row.ts'
import type { PreparedRow } from '../upstreams.ts'
import type { GatewayAdapter, RunningGateway } from './gateway.ts'
import { spillwayConfig } from './spillway-config.ts'
import { startSpillway } from './spillway-process.ts'

/** Starts one Spillway from a configuration. */
export type StartOne = (config: string) => Promise<{ readonly url: string; stop(): Promise<void> }>

/**
 * Spillway; by default the built one, in processes of its own.
 * @param waiting rows that may be in flight beside the six of the lanes, where others wait
 */
export function spillway(startOne: StartOne = startSpillway, waiting = 0): GatewayAdapter {
  return {
    name: 'Spillway',
    version: version(),
    note: 'Its own configuration file, with separate targets for each row.',
    isSpillway: true,
    lanes: 6,
    waiting,
    start: (rows) => startAll(rows, startOne),
  }
}

/** One gateway for each mode that the rows need. */
async function startAll(rows: readonly PreparedRow[], startOne: StartOne): Promise<RunningGateway> {
  const modes = new Set(rows.map(({ row }) => modeOf(row)))
  const started = await Promise.all(
    [...modes].map(async (mode) => {
      const served = rows.filter(({ row }) => modeOf(row) === mode)
      return [mode, await startOne(spillwayConfig(served, mode))] as const
    }),
  )
  const gateways = new Map(started)
  return {
    urlFor: ({ row }) => gateways.get(modeOf(row))?.url ?? '',
    headersFor: () => ({}),
    async stop() {
      await Promise.all(started.map(([, gateway]) => gateway.stop()))
    },
  }
}

function modeOf({ mode = 'standard' }: { readonly mode?: Mode }): Mode {
  return mode
}

function version(): string {
  const file = new URL('../../../../gateway/package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
