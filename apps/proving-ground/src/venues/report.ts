import { queryLedger } from '../booked-rows.ts'
import type { VenueName } from './phases.ts'

/** What is booked of a phase, by endpoint: answers and attempts. */
export interface Booked {
  readonly endpoint: VenueName
  readonly answers: number
  readonly attempts: number
}

/** The attempts that began in a time, in milliseconds since the Unix epoch. */
export async function bookedBetween(database: string, from: number, to: number): Promise<Booked[]> {
  const rows = await queryLedger(
    database,
    `select endpoint, count(*) as attempts, sum(case when failure is null then 1 else 0 end) as answers
      from attempts where started_at >= ${Math.floor(from)} and started_at < ${Math.floor(to)} group by endpoint`,
  )
  return rows.map(({ endpoint, answers, attempts }) => ({
    endpoint: String(endpoint) as VenueName,
    answers: Number(answers),
    attempts: Number(attempts),
  }))
}

/** What each venue has been paid. */
export interface Paid {
  readonly endpoint: string
  readonly provider: string
  readonly answers: number
  /** USD */
  readonly dollars: number
  /** Thousand-millionths of a USD for an answer of the usual size. */
  readonly nanoEach: number
  /** Answers without a price. */
  readonly unpriced: number
}

export async function paid(database: string): Promise<Paid[]> {
  const rows = await queryLedger(
    database,
    `select endpoint, provider, count(*) as answers, sum(cost_nano) as nano, max(cost_nano) as each_nano,
      sum(case when cost_nano is null then 1 else 0 end) as unpriced
      from attempts where failure is null group by endpoint, provider order by endpoint`,
  )
  return rows.map(({ endpoint, provider, answers, nano, each_nano, unpriced }) => ({
    ...{ endpoint: String(endpoint), provider: String(provider) },
    ...{ answers: Number(answers), dollars: Number(nano) / 1e9 },
    ...{ nanoEach: Number(each_nano), unpriced: Number(unpriced) },
  }))
}

/** Rows as a table whose columns are as wide as they must be. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const all = [head, ...rows].map((row) => row.map(String))
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] as string).length)))
  return all
    .map((row) =>
      row
        .map((cell, at) =>
          at === 0 ? cell.padEnd(widths[at] as number) : cell.padStart(widths[at] as number),
        )
        .join('  '),
    )
    .join('\n')
}
