import { withDefaults } from '@spillway/middleware/kit'
import { PostgresDialect, type PostgresPool, type PostgresPoolClient } from 'kysely'
import type { Client, Pool, PoolClient } from 'pg'
import type { DatabaseKind, DatabaseOptions } from './database.ts'
import { postgresDefaults } from './postgres-options.ts'

/** PostgreSQL's type of a count, which fits a number here. */
const int8 = 20

/** How long a connection is silent before the system asks whether its other end is still there, in milliseconds. */
const keepAliveDelay = 10_000

/** PostgreSQL by its URL. */
export function postgres(connectionString: string, options: DatabaseOptions): DatabaseKind {
  const { readOnly = false } = options
  const { connections, connectTimeout, statementTimeout } = withDefaults(postgresDefaults, options)
  const clients = new Set<Client>()
  // With each transaction, and not with each connection: a pooler between may give its connections to others in between.
  const begin = `begin${readOnly ? ' read only' : ''}; set local statement_timeout = ${statementTimeout};
    set local idle_in_transaction_session_timeout = ${2 * statementTimeout}`
  const dialect = new PostgresDialect({
    pool: async () => {
      const { default: pg } = await import('pg').catch((cause: unknown) => {
        if ((cause as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw cause
        throw new Error('PostgreSQL needs the package pg: npm install pg', { cause })
      })
      const pool = new pg.Pool({
        connectionString,
        max: connections,
        connectionTimeoutMillis: connectTimeout,
        keepAlive: true,
        keepAliveInitialDelayMillis: keepAliveDelay,
        types: {
          getTypeParser: (oid: number, format?: 'text' | 'binary') =>
            oid === int8 ? Number : pg.types.getTypeParser(oid, format as 'text'),
        } as never,
      })
      // A connection that breaks while idle is not used again; the next query says what is wrong.
      pool.on('error', () => {})
      pool.on('connect', (client) => {
        clients.add(client)
        // The pool does not listen to a connection that is in use: one that breaks between two statements of a transaction
        // would end the process. Its next statement fails, and the pool then drops it.
        client.on('error', () => {})
      })
      pool.on('remove', (client) => void clients.delete(client))
      return limited(pool, begin, readOnly)
    },
  })
  return {
    name: 'postgres',
    dialect,
    isInMemory: false,
    breakConnections() {
      // Of one that is in use, this closes the socket: its statement fails, and its pool drops it.
      for (const client of clients) client.end().catch(() => {})
    },
  }
}

/** A pool whose transactions have a time limit; of one for reading, so has each statement by itself. */
function limited(pool: Pool, begin: string, readOnly: boolean): PostgresPool {
  const known = new WeakMap<PoolClient, PostgresPoolClient>()
  return {
    options: pool.options,
    end: () => pool.end(),
    async connect() {
      const client = await pool.connect()
      const found = known.get(client) ?? limitedClient(client, begin, readOnly)
      known.set(client, found)
      return found
    },
  }
}

function limitedClient(client: PoolClient, begin: string, readOnly: boolean): PostgresPoolClient {
  const query = (text: string, parameters: readonly unknown[]): Promise<never> =>
    client.query(text, [...parameters]) as Promise<never>
  return {
    release: () => client.release(),
    // Kysely's own cursors are not used here: it gives texts alone.
    query: (async (text: string, parameters: readonly unknown[]) => {
      if (text === 'begin') return query(begin, [])
      if (!readOnly) return query(text, parameters)
      await query(begin, [])
      try {
        return await query(text, parameters)
      } finally {
        await query('rollback', []).catch(() => {})
      }
    }) as unknown as PostgresPoolClient['query'],
  }
}
