import { lstatSync, readlinkSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * Replaces a file as a whole, and keeps its mode. Where it is a link, what it leads to is replaced and the link stays.
 * @throws the file system's error
 */
export function replaceFile(path: string, text: string): void {
  const file = behindLink(path)
  const mode = statSync(file, { throwIfNoEntry: false })?.mode
  // A name at which no one can have put a link.
  const temporary = `${file}.${crypto.randomUUID()}.tmp`
  try {
    writeFileSync(temporary, text, { flag: 'wx', ...(mode !== undefined && { mode: mode & 0o777 }) })
    renameSync(temporary, file)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

function behindLink(path: string): string {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (!stats?.isSymbolicLink()) return path
  try {
    return realpathSync(path)
  } catch {
    // It leads to a file that is not there yet.
    return resolve(dirname(path), readlinkSync(path))
  }
}
