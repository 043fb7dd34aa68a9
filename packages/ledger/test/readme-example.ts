import { createLedger, openLedgerStore, wrapFetch } from '@spillway/ledger'

export const store = openLedgerStore('sqlite:spillway.db')
export const ledger = createLedger({ store, journal: 'spillway-journal' })
export const bookedFetch = wrapFetch(fetch, ledger.calls, ledger.attempts)
