/** SQLite: too large, a wrong type, out of range; of constraints those of a row: a check, not null, a trigger, a type. */
const ofSqlite = new Set([18, 20, 25, 275, 1299, 1811, 3091])

/** PostgreSQL: values that it does not take (class 22, not null, a check, a trigger), and rows that are too large (class 54). */
const ofPostgres = /^(22[0-9A-Z]{3}|23502|23514|54[0-9A-Z]{3}|P0001)$/

/** What cannot be written as JSON, and what cannot be sent to another thread. */
const ofValues = /serialize a BigInt|circular structure|Maximum call stack size|could not be cloned/

/** Whether a database refuses what it was given, now and always, rather than being away. */
export function isDataError(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code, errcode, message } = error as Error & { code?: unknown; errcode?: unknown }
  if (typeof errcode === 'number' && ofSqlite.has(errcode)) return true
  if (typeof code === 'string' && ofPostgres.test(code)) return true
  return ofValues.test(message)
}
