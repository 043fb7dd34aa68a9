import { columns, type Entry } from './rows.ts'

/** Characters of a text, names of models for instance. */
const longestText = 256

/** Bytes of a text: three of them fit a row of an index of PostgreSQL (2,704). */
const mostBytes = 768

/** Of counts: what no call has. Sums of thousands of millions of them fit 64 bits. */
const largestCount = 1e9

/** A million dollars. */
const largestCost = 1e15

/** The largest time of a Date, in milliseconds. */
const largestTime = 8.64e15

/**
 * An entry as every database takes it: texts cut to 256 characters, without what PostgreSQL refuses (U+0000 and halves of
 * surrogate pairs become U+FFFD), counts whole and in range. Callers and upstreams choose what is in it.
 */
export function cleanEntry<E extends Entry>(entry: E): E {
  let changed: Record<string, unknown> | undefined
  const row = entry.row as unknown as Record<string, unknown>
  for (const { name, clean } of cleaners[entry.table]) {
    const value = row[name]
    if (value === undefined || value === null) continue
    const cleaned = clean(value)
    if (cleaned === value) continue
    changed ??= { ...row }
    changed[name] = cleaned
  }
  return changed === undefined ? entry : ({ table: entry.table, row: changed } as unknown as E)
}

function cleanText(value: unknown): string {
  const text = typeof value === 'string' ? value : String(value)
  let cut = text.length > longestText ? text.slice(0, longestText) : text
  // Most are short, and need no look at each character.
  if (cut.length * 3 > mostBytes) while (Buffer.byteLength(cut) > mostBytes) cut = cut.slice(0, -8)
  cut = cut.isWellFormed() ? cut : cut.toWellFormed()
  return cut.includes('\0') ? cut.replaceAll('\0', '\ufffd') : cut
}

const numberOf = (value: unknown): number => (typeof value === 'number' && !Number.isNaN(value) ? value : 0)

const cleanTime: Clean = (value) => Math.min(Math.max(numberOf(value), 0), largestTime)

const cleanCount =
  (most: number): Clean =>
  (value) =>
    Math.min(Math.max(Math.round(numberOf(value)), 0), most)

type Clean = (value: unknown) => string | number

const cleanersOf = (table: Entry['table']): readonly { readonly name: string; readonly clean: Clean }[] =>
  Object.entries(columns[table]).map(([name, type]) => ({ name, clean: cleanerOf(name, type) }))

/** What cleans each column, found once. */
const cleaners = {
  calls: cleanersOf('calls'),
  attempts: cleanersOf('attempts'),
  comparisons: cleanersOf('comparisons'),
  changes: cleanersOf('changes'),
}

function cleanerOf(name: string, type: string): Clean {
  if (type === 'text') return cleanText
  if (type === 'double precision') return cleanTime
  const isTime = name === 'started_at' || name === 'until'
  return cleanCount(name.endsWith('cost_nano') ? largestCost : isTime ? largestTime : largestCount)
}
