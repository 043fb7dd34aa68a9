import { constants } from 'node:fs'
import { type FileHandle, open, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { checkFile, fileBehind, hasModes } from './file-place.ts'
import { KeyVaultError, systemCode } from './vault-error.ts'

/**
 * Called before each step of a write, for tests that crash there. `written` is the share of the bytes that
 * has been written when the step is `write`.
 * @internal
 */
export type WriteStep = 'create' | 'write' | 'written' | 'synced' | 'renamed' | 'done'

/** @internal */
export const writeSteps: { before?: ((step: WriteStep, path: string) => void) | undefined } = {}

/**
 * A file that its owner alone may read; behind a link, the one that it leads to.
 * @throws KeyVaultError INSECURE_FILE when its group or everybody has any right to it, when it belongs to another user,
 * and when others can replace it
 * @returns undefined when there is no such file
 */
export async function readPrivateFile(path: string, what: string): Promise<Uint8Array | undefined> {
  const file = await fileBehind(path, what)
  let handle: FileHandle
  try {
    handle = await open(file, constants.O_RDONLY)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw new KeyVaultError(
      'UNAVAILABLE',
      `${what} ${path} cannot be read (${systemCode(error) ?? 'unknown error'})`,
    )
  }
  try {
    checkFile(await handle.stat(), file, what)
    return await handle.readFile()
  } finally {
    await handle.close()
  }
}

/**
 * Replaces a file so that whoever reads it, even after a crash at any moment, finds the old bytes or the new ones
 * and nothing in between: a new file (0600) beside it, flushed, renamed over it, and the folder flushed. Behind a link,
 * the file that it leads to is replaced, and the link stays.
 * @throws KeyVaultError INSECURE_FILE for a folder that others can write, or UNAVAILABLE
 */
export async function writePrivateFile(link: string, bytes: Uint8Array, what: string): Promise<void> {
  const path = await fileBehind(link, what)
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}-${crypto.randomUUID()}.tmp`)
  const before = (step: WriteStep): void => writeSteps.before?.(step, path)
  try {
    before('create')
    const handle = await open(temporary, 'wx', 0o600)
    try {
      if (hasModes) await handle.chmod(0o600)
      if (writeSteps.before === undefined) await handle.writeFile(bytes)
      else {
        const half = bytes.length >> 1
        await handle.writeFile(bytes.subarray(0, half))
        before('write')
        await handle.writeFile(bytes.subarray(half))
      }
      before('written')
      await handle.sync()
    } finally {
      await handle.close()
    }
    before('synced')
    await rename(temporary, path)
    before('renamed')
    await syncFolder(dirname(path))
    before('done')
  } catch (error) {
    await unlink(temporary).catch(() => {})
    throw new KeyVaultError(
      'UNAVAILABLE',
      `${path} cannot be written (${systemCode(error) ?? 'unknown error'}): check the permissions of its folder and the free disk space`,
    )
  }
}

async function syncFolder(path: string): Promise<void> {
  // Windows does not open folders; its rename is on disk when it returns.
  if (process.platform === 'win32') return
  const handle = await open(path, constants.O_RDONLY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
