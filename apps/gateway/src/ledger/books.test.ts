import { expect, it } from 'vitest'
import { booksStatus } from './books.ts'

const well = {
  ...{ isAway: false, isInMemory: false, lastError: undefined },
  ...{ buffered: 0, journalBytes: 0, lost: 0, rejected: 0 },
}
const audit = (state: object) => ({ state: { ...well, ...state } }) as never

it.each<[string, object, object | undefined, object]>([
  ['nothing but ok where all is well', {}, {}, { ledger: 'ok' }],
  ['nothing of an audit log that is not there', {}, undefined, { ledger: 'ok' }],
  ['that rows wait on disk', { isAway: true }, { isAway: true }, { ledger: 'journal', audit: 'journal' }],
  [
    'that they wait in memory where the disk takes none',
    { isAway: true, isInMemory: true },
    { isAway: true, isInMemory: true },
    { ledger: 'memory', audit: 'memory' },
  ],
  ['which of the two is away', {}, { isAway: true }, { ledger: 'ok', audit: 'journal' }],
  ['nothing of a journal that is not needed', { isInMemory: true }, {}, { ledger: 'ok' }],
  [
    'how many the database has refused, and how many are lost',
    { rejected: 1, lost: 2 },
    { rejected: 3, lost: 4 },
    { ledger: 'ok', rejected: 4, lost: 6 },
  ],
])('/readyz says %s', (_name, ledger, log, expected) => {
  const books = { health: () => ({ ...well, ...ledger }), audit: log && audit(log) }
  expect(booksStatus(books)).toEqual(expected)
})
