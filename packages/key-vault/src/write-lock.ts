import { open } from 'node:fs/promises'
import { type Clock, sleep } from '@spillway/middleware'
import { KeyVaultError, systemCode } from './vault-error.ts'

/** How often a lock that is held is asked for again, in milliseconds. */
const askEvery = 20

/**
 * Runs `work` while no other process, and nobody else in this one, holds the lock file. The lock is SQLite's on an
 * empty database: the system gives it up when its holder dies, however it dies, so that no lock is ever stale.
 * @throws KeyVaultError LOCKED when it is not free within `wait` milliseconds
 */
export async function withWriteLock<T>(
  path: string,
  { clock, wait }: { readonly clock: Clock; readonly wait: number },
  work: () => Promise<T>,
): Promise<T> {
  const { DatabaseSync } = await import('node:sqlite')
  await createPrivately(path)
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
            `another process is writing the vault and has held ${path} for ${wait} ms: try again when it is done`,
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

async function createPrivately(path: string): Promise<void> {
  try {
    await (await open(path, 'a', 0o600)).close()
  } catch (error) {
    throw new KeyVaultError(
      'UNAVAILABLE',
      `${path} cannot be made (${systemCode(error) ?? 'unknown error'}): the vault's folder must be writable`,
    )
  }
}
