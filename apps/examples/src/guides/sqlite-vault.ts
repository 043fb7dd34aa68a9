import { DatabaseSync } from 'node:sqlite'
import type { VaultDocument, VaultDriver } from '@spillway/key-vault'

/** Keeps the vault of each environment in a row of SQLite. For development: nothing is encrypted. */
export function sqliteVault(path: string, environment: string): VaultDriver {
  const database = new DatabaseSync(path, { timeout: 5_000 })
  database.exec(
    'CREATE TABLE IF NOT EXISTS vault (environment TEXT PRIMARY KEY, revision INTEGER, document TEXT)',
  )
  const row = () =>
    database.prepare('SELECT revision, document FROM vault WHERE environment = ?').get(environment)
  const read = (): VaultDocument => {
    const stored = row()
    return stored === undefined ? { format: 1, secrets: {} } : JSON.parse(String(stored.document))
  }
  return {
    name: path,
    load: async () => read(),
    async update(change) {
      // Takes the lock of the file before it reads: another process waits.
      database.exec('BEGIN IMMEDIATE')
      try {
        const document = change(read())
        const write = `INSERT INTO vault VALUES (?, 1, ?)
          ON CONFLICT DO UPDATE SET revision = revision + 1, document = excluded.document`
        database.prepare(write).run(environment, JSON.stringify(document))
        database.exec('COMMIT')
        return document
      } catch (error) {
        database.exec('ROLLBACK')
        throw error
      }
    },
    revision: async () => String(row()?.revision ?? 0),
    close: () => database.close(),
  }
}
