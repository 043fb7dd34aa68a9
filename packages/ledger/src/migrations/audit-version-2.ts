import { type Migration, run } from './migration.ts'

/**
 * Rows of the audit log whose hash covers every column, and MACs. Rows that are there are of version 1, and a process of an
 * older Spillway can append no more of them: behind rows of version 2 they would be taken for an attack.
 */
export const createAuditVersion2: Migration = async (db, name) => {
  await run(
    db,
    'alter table audit add column version bigint default 1 not null',
    'alter table audit add column key_id text',
    'alter table audit add column mac text',
    'alter table audit_marks add column key_id text',
    'alter table audit_marks add column mac text',
  )
  if (name === 'postgres') await run(db, 'alter table audit alter column version drop default')
  else
    await run(
      db,
      `create trigger audit_version before insert on audit when new.version < 2
        begin select raise(abort, 'this audit log is of a newer version: update Spillway'); end`,
    )
}
