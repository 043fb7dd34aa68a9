import { chmodSync, closeSync, lstatSync, openSync, type Stats } from 'node:fs'
import { type Clock, sleep } from '@spillway/middleware'
import { hasModes, isTrusted } from './file-place.ts'
import { KeyVaultError, systemCode } from './vault-error.ts'

/** How often a lock that is held is asked for again, in milliseconds. */
const askEvery = 20

/** How a lock is taken. */
export interface WriteLock {
  readonly clock: Clock
  /** In milliseconds. */
  readonly wait: number
  /** What is written, for errors: `the vault`. */
  readonly what: string
}

/**
 * Runs `work` while no other process, and no other task of this one, holds the lock file. The lock is SQLite's on an
 * empty database: the system gives it up when its holder dies, however it dies, so that no lock is ever stale.
 * @throws KeyVaultError LOCKED when it is not free within `wait` milliseconds
 */
export async function withWriteLock<T>(
  path: string,
  { clock, wait, what }: WriteLock,
  work: () => Promise<T>,
): Promise<T> {
  const { DatabaseSync } = await import('node:sqlite')
  createPrivately(path, what)
  const giveUpAt = clock.now() + wait
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    for (;;) {
      try {
        database.exec('BEGIN EXCLUSIVE')
        break
      } catch {
        if (clock.now() >= giveUpAt) {
          throw new KeyVaultError(
            'LOCKED',
            `another process is writing ${what} and has held ${path} for ${wait} ms: try again when it is done`,
          )
        }
        await sleep(clock, askEvery)
      }
    }
    return await work()
  } finally {
    database.close()
  }
}

/**
 * Makes the file where there is none. One that is there is not opened: closing it again would give up the lock that another
 * call in this process may hold on it. For the same reason nothing else runs between opening and closing a new one.
 */
function createPrivately(path: string, what: string): void {
  try {
    const stats = lstatSync(path, { throwIfNoEntry: false })
    if (stats === undefined) closeSync(openSync(path, 'wx', 0o600))
    else keepPrivate(path, stats)
  } catch (error) {
    if (error instanceof KeyVaultError) throw error
    // Another process was first.
    if (systemCode(error) === 'EEXIST') return
    throw new KeyVaultError(
      'UNAVAILABLE',
      `${path} cannot be made (${systemCode(error) ?? 'unknown error'}): the folder of ${what} must be writable`,
    )
  }
}

/** Whoever may open the lock can hold it for ever; a link could lead to any file. */
function keepPrivate(path: string, stats: Stats): void {
  if (!stats.isFile() || (hasModes && !isTrusted(stats))) {
    throw new KeyVaultError('INSECURE_FILE', `${path} is not a file of this user: remove it`)
  }
  if (hasModes && stats.uid === process.geteuid?.() && (stats.mode & 0o077) !== 0) chmodSync(path, 0o600)
}
