// The primary of `pnpm bench workers`: what workers share, without a worker.
import { openLedgerStore } from '@spillway/ledger'
import { type Channel, openChannel, type Question, question } from '../../gateway/src/workers/channel.ts'
import { createHub } from '../../gateway/src/workers/hub.ts'
import { serveLedger } from '../../gateway/src/workers/ledger-channel.ts'
import { ipcPort } from '../../gateway/src/workers/port.ts'

/** CPU time of the process so far, in microseconds. */
export const cpuSoFar: Question<undefined, number> = question('bench.cpu')

if (process.send !== undefined && process.argv[1] === import.meta.filename) {
  const channel: Channel = openChannel(ipcPort(process, () => process.connected))
  channel.answer(cpuSoFar, () => {
    const { user, system } = process.cpuUsage()
    return user + system
  })
  createHub().serve(channel)
  // Rows cost the database's thread what they always do: `pnpm bench booking` measures that.
  serveLedger({ ...openLedgerStore('sqlite::memory:'), write: async (rows) => rows.length }, channel)
}
