import { type Ask, askStore, storeOf } from './split-store.ts'
import type { LedgerStore } from './store.ts'

/** A store whose modules are loaded with its first question. */
export function lazyStore(open: () => Promise<LedgerStore>): LedgerStore {
  let opened: Promise<LedgerStore> | undefined
  let isClosed = false
  const ask: Ask = async (part, name, parameters) => {
    if (isClosed) throw new Error('the store is closed')
    opened ??= open()
    return askStore(await opened)(part, name, parameters)
  }
  return storeOf({
    write: ask,
    read: ask,
    async close() {
      isClosed = true
      await (await opened)?.close()
    },
  })
}
