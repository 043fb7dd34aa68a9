import { answerStore, type LedgerStore, remoteStore, type StoreQuestion } from '@spillway/ledger'
import { type Channel, type Question, question } from './channel.ts'

const askLedger: Question<StoreQuestion, unknown> = question('ledger.ask')

/** Lets a worker write to the ledger of the primary, which is its one writer, and ask for its views. */
export function serveLedger(store: LedgerStore, channel: Channel): void {
  const answer = answerStore(store)
  channel.answer(askLedger, (asked, asking) => answer(asked, asking.signal))
}

/** How long a view may take, in milliseconds: the primary bounds each by `storage.reads`. */
const longestView = 120_000

/**
 * The ledger of the primary, as a worker reaches it. A write whose answer is lost with the primary is written again by whoever takes over the
 * worker's journal: its rows have ids, and are booked once.
 */
export function remoteLedger(channel: Channel): LedgerStore {
  return remoteStore({
    ask: (asked, signal) =>
      channel.ask(
        askLedger,
        asked,
        // A write ends when it has ended: its writer has a deadline, and tells it by the signal.
        signal === undefined ? { deadline: longestView } : { signal, isAwaited: true, deadline: Infinity },
      ),
  })
}
