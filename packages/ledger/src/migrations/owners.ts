import { type Migration, run } from './migration.ts'

/** Who has made which batches and files. */
export const createOwners: Migration = (db) =>
  run(
    db,
    `create table owners (
      id text not null, target text not null, endpoint text not null, tenant text, results_of text, at bigint not null,
      constraint owners_key primary key (id)
    )`,
    'create index owners_at on owners (at)',
  )
