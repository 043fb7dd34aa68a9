import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'

/** A database as whoever has its password sees it: past everything that Spillway checks. */
export interface TestDatabase {
  readonly url: string
  /** Rows of one statement, or none of several. */
  query(text: string): Promise<Record<string, unknown>[]>
  close(): Promise<void>
}

export async function openTestDatabase(url: string): Promise<TestDatabase> {
  if (url.startsWith('sqlite:')) {
    const database = new DatabaseSync(url.slice('sqlite:'.length), { timeout: 5000 })
    return {
      url,
      async query(text) {
        if (/^\s*select/i.test(text)) return database.prepare(text).all()
        database.exec(text)
        return []
      },
      close: async () => database.close(),
    }
  }
  const client = new pg.Client({ connectionString: url })
  // A server that is stopped breaks it; the next query says so.
  client.on('error', () => {})
  await client.connect()
  return {
    url,
    query: async (text) => ((await client.query(text)).rows ?? []) as Record<string, unknown>[],
    close: () => client.end(),
  }
}
