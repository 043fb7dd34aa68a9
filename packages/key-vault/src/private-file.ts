import { constants } from 'node:fs'
import { type FileHandle, open, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { KeyVaultError, systemCode } from './vault-error.ts'

/**
 * Stands before each step of a write, for tests that pull the plug there. `written` is the share of the bytes that
 * has been written when the step is `write`.
 * @internal
 */
export type WriteStep = 'create' | 'write' | 'written' | 'synced' | 'renamed' | 'done'

/** @internal */
export const writeSteps: { before?: ((step: WriteStep, path: string) => void) | undefined } = {}

/**
 * A file that its owner alone may read.
 * @throws KeyVaultError INSECURE_FILE when its group or everybody has any right to it
 * @returns undefined when there is no such file
 */
export async function readPrivateFile(path: string, what: string): Promise<Uint8Array | undefined> {
  let handle: FileHandle
  try {
    handle = await open(path, constants.O_RDONLY)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw new KeyVaultError(
      'UNAVAILABLE',
      `${what} ${path} cannot be read (${systemCode(error) ?? 'unknown error'})`,
    )
  }
  try {
    const { mode } = await handle.stat()
    // Windows has no such bits: there the file inherits the rights of its folder.
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      const found = (mode & 0o777).toString(8).padStart(4, '0')
      throw new KeyVaultError(
        'INSECURE_FILE',
        `${what} ${path} is open to others than its owner (mode ${found}): run chmod 600 ${path}, and replace the keys if anybody may have read it`,
      )
    }
    return await handle.readFile()
  } finally {
    await handle.close()
  }
}

/**
 * Replaces a file so that whoever reads it, even after a crash at any moment, finds the old bytes or the new ones
 * and nothing in between: a new file (0600) beside it, flushed, renamed over it, and the folder flushed.
 */
export async function writePrivateFile(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}-${crypto.randomUUID()}.tmp`)
  const before = (step: WriteStep): void => writeSteps.before?.(step, path)
  try {
    before('create')
    const handle = await open(temporary, 'wx', 0o600)
    try {
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
      `${path} cannot be written (${systemCode(error) ?? 'unknown error'}): check the rights of its folder and the room on the disk`,
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
