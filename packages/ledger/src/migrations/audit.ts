import { type Migration, run } from './migration.ts'

/** The audit log: rows of version 1, whose hash covers the previous hash and the entry. */
export const createAudit: Migration = (db) =>
  run(
    db,
    `create table audit (
      seq bigint primary key, id text not null unique, at bigint not null, entry text not null, prev text not null,
      hash text not null
    )`,
    'create table audit_marks (name text primary key, seq bigint not null, hash text not null)',
  )
