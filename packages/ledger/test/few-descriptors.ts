import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { compose, createRequest, emit, type Outcome } from '@spillway/middleware'
import { bodyOf, jsonBodyFromObject } from '@spillway/middleware/kit'
import { createLedger, openLedgerStore } from '../src/index.ts'

// A process that has no descriptor left while calls end: books them in a folder, and prints what became of them.
const [folder = '', calls = '40'] = process.argv.slice(2)
const lines: string[] = []
const warn = (line: string): void => void lines.push(line)
const store = openLedgerStore(`sqlite:${join(folder, 'books.db')}`, { warn })
const ledger = createLedger({ store, journal: join(folder, 'waiting'), maxWait: 10, warn })
const body = jsonBodyFromObject({})
const handler = compose([ledger.calls, ledger.attempts], async (request) => {
  const timings = { startedAt: request.clock.now(), end: 1 }
  const outcome: Outcome = { ...nothing, timings }
  emit(request, 'attempt.started', { model: request.model })
  emit(request, 'attempt.ended', { outcome })
  const response = { status: 200, headers: {}, body: bodyOf(new Uint8Array(1)), target: undefined }
  return { ...response, failure: undefined, outcome: Promise.resolve(outcome) }
})
const nothing = { failure: undefined, usage: undefined, stopReason: undefined, model: undefined, bytes: 1 }
const call = (): Promise<unknown> =>
  handler(
    createRequest({
      api: 'anthropic',
      model: 'claude',
      stream: false,
      url: '/v1/messages',
      body,
      context: { callId: 'a' },
    }),
  )

const taken: number[] = []
const take = (): void => {
  try {
    for (;;) taken.push(openSync(folder, 'r'))
  } catch {
    // None is left.
  }
}
const giveBack = (): void => {
  for (const descriptor of taken.splice(0)) closeSync(descriptor)
}

// First before the database was opened, then while it is.
for (let round = 0; round < 2; round++) {
  take()
  for (let n = 0; n < Number(calls); n++) await call()
  await ledger.flush()
  giveBack()
  for (let n = 0; n < Number(calls); n++) await call()
  await ledger.flush()
}
const { lost, buffered, journalBytes } = ledger.state
const booked = await store.countCalls({ from: 0, to: Date.now() + 60_000 })
await ledger.close()
await store.close()
console.log(JSON.stringify({ booked, lost, buffered, journalBytes, lines }))
