import { type Migration, run } from './migration.ts'

/** What a vendor's support asks for. */
export const addVendorCodes: Migration = (db) =>
  run(db, 'alter table attempts add column code text', 'alter table attempts add column request_id text')
