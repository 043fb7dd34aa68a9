import type { Pool, PoolClient } from 'pg'
import { safeUrl } from '../safe-url.ts'
import { type ClientDocument, decodeClients, emptyClients, encodeClients } from './client-document.ts'
import type { ClientStore } from './client-store.ts'
import { ClientsError } from './clients-error.ts'

/** One row, as a file is one: clients are read as a whole, and change seldom. */
const table = 'spillway_clients'

/** A server that is unavailable or frozen: how long a connection and a read may take, and a change with all that it waits for, in milliseconds. */
const longest = { connect: 2_000, read: 2_000, change: 10_000 }

const missingTable = '42P01'

/** Clients in a table of PostgreSQL, which is made with the first of them, for gateways that share no disk. */
export function postgresClientStore(url: string): ClientStore {
  const name = `${table} at ${safeUrl(url)}`
  let pool: Promise<Pool> | undefined
  const opened = (): Promise<Pool> => {
    pool ??= openPool(url)
    return pool
  }
  /** Undefined where there is no table, or no row in it. */
  const read = async <T>(columns: string): Promise<T | undefined> => {
    try {
      const { rows } = await (await opened()).query(`select ${columns} from ${table} where id = 1`)
      return rows[0] as T | undefined
    } catch (error) {
      if ((error as { code?: unknown }).code === missingTable) return undefined
      throw inWords(error, name)
    }
  }
  return {
    name,
    async load() {
      const row = await read<{ readonly document: string }>('document')
      return row === undefined ? emptyClients : decodeClients(Buffer.from(row.document), name)
    },
    async revision() {
      const row = await read<{ readonly revision: string }>('revision::text as revision')
      return row?.revision
    },
    async update(change) {
      const client = await (await opened()).connect().catch((error: unknown) => {
        throw inWords(error, name)
      })
      let broken: Error | undefined
      try {
        return await changed(client, name, change)
      } catch (error) {
        if (error instanceof ClientsError) throw error
        broken = inWords(error, name)
        throw broken
      } finally {
        client.release(broken)
      }
    },
    async close() {
      await (await pool?.catch(() => undefined))?.end()
    },
  }
}

async function openPool(connectionString: string): Promise<Pool> {
  const { default: pg } = await import('pg').catch((cause: unknown) => {
    throw new Error('PostgreSQL needs the package pg: npm install pg', { cause })
  })
  const pool = new pg.Pool({
    connectionString,
    max: 2,
    connectionTimeoutMillis: longest.connect,
    query_timeout: longest.read,
    keepAlive: true,
    // Neither a command that has ended nor a gateway that stops waits for it.
    allowExitOnIdle: true,
  })
  // A connection that breaks while it is idle is not used again.
  pool.on('error', () => {})
  pool.on('connect', (client) => void client.on('error', () => {}))
  return pool
}

/** With the row locked, so that no change of another process is lost. */
async function changed(
  client: PoolClient,
  name: string,
  change: (document: ClientDocument) => ClientDocument,
): Promise<ClientDocument> {
  const query = (text: string, values?: unknown[]) =>
    client.query({ text, values, query_timeout: longest.change } as { text: string; values?: unknown[] })
  await query(
    `begin; set local statement_timeout = ${longest.change}; set local lock_timeout = ${longest.change / 2};
     set local idle_in_transaction_session_timeout = ${longest.change}`,
  )
  try {
    // Two that make it at the same time: one of them fails though it says "if not exists", unless they take turns.
    await query(`select pg_advisory_xact_lock(hashtext('${table}'))`)
    await query(
      `create table if not exists ${table} (id smallint primary key check (id = 1), revision bigint not null, document text not null)`,
    )
    const { rows } = await query(`select document from ${table} where id = 1 for update`)
    const [row] = rows as { document: string }[]
    const before = row === undefined ? emptyClients : decodeClients(Buffer.from(row.document), name)
    const after = change(before)
    if (after !== before)
      await query(
        `insert into ${table} (id, revision, document) values (1, 1, $1)
         on conflict (id) do update set revision = ${table}.revision + 1, document = excluded.document`,
        [Buffer.from(encodeClients(after)).toString()],
      )
    await query('commit')
    return after
  } catch (error) {
    await query('rollback').catch(() => {})
    throw error
  }
}

/** Messages of drivers may quote what they connect with; codes do not. */
function inWords(error: unknown, name: string): ClientsError {
  const { code, message } = error as { readonly code?: unknown; readonly message?: string }
  const why =
    typeof code === 'string' ? code : /timeout/i.test(message ?? '') ? 'no answer in time' : 'no connection'
  return new ClientsError(`${name} cannot be used: ${why}${hints[why] ?? ''}`)
}

const hints: Readonly<Record<string, string>> = {
  '28P01': ' (the password is refused)',
  '3D000': ' (there is no such database)',
  '42501': ' (this user may not use or make the table)',
  '55P03': ' (another process changes the clients: try again)',
  '25006': ' (the database is read-only)',
}
