import { readdir, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { type Clock, systemClock } from '@spillway/middleware'
import { fileBehind } from './file-place.ts'
import { readPrivateFile, writePrivateFile } from './private-file.ts'
import { type WriteLock, withWriteLock } from './write-lock.ts'

export interface LockedFileOptions {
  readonly path: string
  /** What it is, for errors: `the vault`. */
  readonly what: string
  /**
   * How long to wait for another process that writes, in milliseconds.
   * @default 10000
   */
  readonly lockWait?: number | undefined
  readonly clock?: Clock | undefined
}

/** The defaults of {@link LockedFileOptions}. */
export const lockedFileDefaults: { readonly lockWait: number } = { lockWait: 10_000 }

/** A file that its owner alone can read, that is replaced as a whole, and by one writer at a time. */
export interface LockedFile {
  readonly path: string
  /**
   * Undefined where there is none.
   * @throws KeyVaultError INSECURE_FILE where others can read or replace it, UNAVAILABLE where it cannot be read
   */
  read(): Promise<Uint8Array | undefined>
  /** Changes with each replacement; undefined where there is no file. */
  revision(): Promise<string | undefined>
  /**
   * Replaces what it holds while no other process can write; the same bytes or undefined leave it as it is.
   * @throws KeyVaultError LOCKED where another process does not finish in time, INSECURE_FILE, UNAVAILABLE
   */
  update(change: (before: Uint8Array | undefined) => Uint8Array | undefined): Promise<void>
}

/** See {@link LockedFile}. */
export function lockedFile({
  path: given,
  what,
  lockWait,
  clock = systemClock,
}: LockedFileOptions): LockedFile {
  const path = resolve(given)
  const wait = lockWait ?? lockedFileDefaults.lockWait
  const read = (): Promise<Uint8Array | undefined> => readPrivateFile(path, what)
  return {
    path,
    read,
    revision: () => fileRevision(path),
    update: (change) =>
      withLockedFile(path, { clock, wait, what }, async () => {
        const before = await read()
        const after = change(before)
        if (after !== undefined && after !== before) await writePrivateFile(path, after, what)
      }),
  }
}

/** Changes with each replacement of a file; undefined where there is none. */
export async function fileRevision(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined)
  return found && `${found.ino}:${found.mtimeNs}:${found.size}`
}

/**
 * Runs `work` on the file behind `path` while no other process can write it.
 * @throws KeyVaultError LOCKED where another process does not finish in time, INSECURE_FILE, UNAVAILABLE
 */
export async function withLockedFile<T>(
  path: string,
  lock: WriteLock,
  work: (file: string) => Promise<T>,
): Promise<T> {
  // Beside the file itself, so that a writer that uses a link to it holds the same lock.
  const file = await fileBehind(path, lock.what)
  return withWriteLock(`${file}.lock`, lock, async () => {
    await removeLeftovers(file)
    return work(file)
  })
}

/** Removes what writers left behind that were killed; call it only while holding the lock. */
async function removeLeftovers(path: string): Promise<void> {
  const start = `.${basename(path)}.`
  const files = await readdir(dirname(path)).catch(() => [])
  for (const file of files) {
    if (file.startsWith(start) && file.endsWith('.tmp'))
      await unlink(join(dirname(path), file)).catch(() => {})
  }
}
