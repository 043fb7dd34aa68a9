import { hasPostgres, type PrivatePostgres, startPostgres } from '@spillway/testing'

export type { PrivatePostgres }

/** Undefined, with a printed word, where PostgreSQL is missing; under CI that is a failure. */
export async function privatePostgres(): Promise<PrivatePostgres | undefined> {
  if (hasPostgres()) return startPostgres()
  if (process.env.CI === 'true') throw new Error('PostgreSQL is not installed')
  console.warn('SKIPPED: PostgreSQL is not installed')
  return undefined
}
