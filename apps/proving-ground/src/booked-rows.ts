import { DatabaseSync } from 'node:sqlite'
import { Client } from 'pg'

/** As the database has it; whole numbers of PostgreSQL are text. */
export type BookedRow = Readonly<Record<string, string | number | null>>

/** Asks a ledger's database directly, past everything that could err in the same way twice. */
export async function queryLedger(url: string, text: string): Promise<readonly BookedRow[]> {
  if (url.startsWith('sqlite:')) {
    const database = new DatabaseSync(url.slice('sqlite:'.length), { readOnly: true })
    try {
      return database.prepare(text).all() as BookedRow[]
    } finally {
      database.close()
    }
  }
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<BookedRow>(text)).rows
  } finally {
    await client.end()
  }
}

/** How many attempts have been booked. */
export async function bookedAttempts(url: string): Promise<number> {
  const [row] = await queryLedger(url, 'select count(*) as n from attempts')
  return Number(row?.n ?? 0)
}
