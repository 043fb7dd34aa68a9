import { close, constants, fchmodSync, fstatSync, lstatSync, openSync, type Stats } from 'node:fs'

/** Windows has no modes of files: there the rights of the folder hold. */
const hasModes = process.platform !== 'win32'

/** Without `O_NONBLOCK` a pipe without a reader would block the process, on open and on each line. */
const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NONBLOCK ?? 0)

/**
 * Opens what lines are appended to: a file that its owner alone can read, a pipe or a device.
 * @param warn hears when the rights of others were taken away from a file
 * @throws Error whose message says why it is not written to: it cannot be opened, is another user's, or a link of theirs
 */
export function openLogPlace(path: string, warn: (line: string) => void): number {
  const link = lstatSync(path, { throwIfNoEntry: false })
  if (link?.isSymbolicLink() && isOfOthers(link))
    throw new Error(
      `it is a link that belongs to another user (uid ${link.uid}): remove it, or name another file`,
    )
  const descriptor = open(path)
  const stats = fstatSync(descriptor)
  if (!stats.isFile()) return descriptor
  if (isOfOthers(stats)) {
    close(descriptor, () => {})
    throw new Error(`it belongs to another user (uid ${stats.uid}): change its owner, or name another file`)
  }
  if (hasModes && (stats.mode & 0o077) !== 0) closeToOthers(descriptor, path, stats, warn)
  return descriptor
}

function open(path: string): number {
  try {
    return openSync(path, flags, 0o600)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENXIO')
      throw new Error('it is a pipe that no program reads (ENXIO): start its reader first')
    throw new Error(`${code}; name a file in a folder that this user can write`)
  }
}

/** Root can read and write everything anyway. */
function isOfOthers({ uid }: Stats): boolean {
  return hasModes && uid !== process.geteuid?.() && uid !== 0
}

function closeToOthers(
  descriptor: number,
  path: string,
  { mode }: Stats,
  warn: (line: string) => void,
): void {
  const was = `the log ${path} was open to others (mode ${(mode & 0o7777).toString(8).padStart(4, '0')})`
  try {
    fchmodSync(descriptor, 0o600)
    warn(`${was}; it is its owner's alone now (0600)`)
  } catch (error) {
    warn(`${was} and stays so, since its rights cannot be changed (${(error as NodeJS.ErrnoException).code})`)
  }
}
