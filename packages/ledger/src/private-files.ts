import {
  chmodSync,
  closeSync,
  fchmodSync,
  lstatSync,
  openSync,
  readlinkSync,
  realpathSync,
  type Stats,
  statSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { makeFolders } from './make-folders.ts'

/** Hears what the operator should know, a line at a time. */
export type Warn = (line: string) => void

/** Without a listener, Node prints it on standard error. */
export const warnProcess: Warn = (line) => process.emitWarning(line)

/** Windows has no modes of files: there the rights of the folder hold. */
const hasModes = process.platform !== 'win32'

/** Beside a SQLite database, with parts of it. They are made with the mode of the database. */
const companions = ['-wal', '-shm', '-journal']

/** As many links as the system follows. */
const mostLinks = 40

/**
 * Makes sure that only their owner can read or replace a database's files: a missing one is made (0600, whatever the
 * umask) with `create`, one of ours that others can read is closed to them.
 * @throws Error with `code` `SPILLWAY_INSECURE_FILE` for files of another user, and a folder that others can write
 */
export function secureDatabase(path: string, { create, warn }: { create: boolean; warn: Warn }): void {
  if (!hasModes) return
  let target: string
  try {
    target = followLinks(path)
  } catch (error) {
    if (isInsecure(error)) throw error
    // No folder, or one that this user cannot look into: opening the database says so.
    return
  }
  if (create && found(target) === undefined) createPrivately(target)
  for (const file of ['', ...companions].map((end) => target + end)) secureFile(file, warn)
}

/** Makes a folder that only its owner can read or write (0700), or removes the permissions of others. */
export function secureFolder(path: string, warn: Warn): void {
  const made = makeFolders(path, 0o700)
  if (!hasModes) return
  const folder = realpathSync(path)
  if (made !== undefined) chmodSync(folder, 0o700)
  // Who can replace the folder, or a link to it, can read what is written from then on.
  for (const place of new Set([resolve(path), folder])) checkFolder(realpathSync(dirname(place)))
  const stats = statSync(folder)
  if (stats.uid !== ourUser()) checkFolder(folder)
  else if ((stats.mode & 0o077) !== 0) close(folder, stats, 0o700, warn)
}

/**
 * Takes the rights of others away from a file of ours; one that is not there is none.
 * @throws Error with `code` `SPILLWAY_INSECURE_FILE` for a file of another user
 */
export function secureFile(path: string, warn: Warn): void {
  const stats = hasModes ? found(path) : undefined
  if (stats === undefined) return
  if (!stats.isFile()) throw insecure(`${path} is not a file: remove it, or name another place`)
  if (stats.uid === ourUser()) {
    if ((stats.mode & 0o077) !== 0) close(path, stats, 0o600, warn)
  } else if (stats.uid !== 0) {
    throw insecure(
      `${path} belongs to another user (uid ${stats.uid}; this process is ${ourUser()}): ` +
        `run as that user, or chown ${ourUser()} ${path}`,
    )
  } else if ((stats.mode & 0o007) !== 0) {
    throw insecure(`${path} is open to everyone (mode ${modeOf(stats)}): run chmod o-rwx ${path} as root`)
  }
}

/** The file that a path resolves to, there or not. Whoever can replace a link can replace the file. */
function followLinks(path: string): string {
  let current = resolve(path)
  for (let links = 0; links <= mostLinks; links++) {
    const folder = realpathSync(dirname(current))
    checkFolder(folder)
    current = join(folder, basename(current))
    const stats = found(current)
    if (!stats?.isSymbolicLink()) return current
    if (stats.uid !== ourUser() && stats.uid !== 0)
      throw insecure(`${current} is a link that belongs to another user (uid ${stats.uid}): remove it`)
    current = resolve(folder, readlinkSync(current))
  }
  throw insecure(`${path} is a link that leads to no file: too many links`)
}

/**
 * A folder whose files others can replace. Groups that this process is in may write: shared volumes of containers are made
 * so. Where everyone may write, the sticky bit must keep files to their owners, as in /tmp.
 */
function checkFolder(folder: string): void {
  const stats = statSync(folder)
  const isOpenToGroup = (stats.mode & 0o020) !== 0 && !ourGroups().includes(stats.gid)
  const isOpen = (stats.mode & 0o002) !== 0 || isOpenToGroup
  if (!isOpen) return
  const isSticky = (stats.mode & 0o1000) !== 0
  if (isSticky && (stats.uid === 0 || stats.uid === ourUser())) return
  const rights = isOpenToGroup ? 'go-w' : 'o-w'
  throw insecure(
    `others can write in ${folder} (mode ${modeOf(stats)}), and so replace files in it: ` +
      `run chmod ${rights} ${folder}, or use a folder that only this user can write (mkdir -m 700)`,
  )
}

/** By its path: closing a file that SQLite has open in this process would release the locks on it. */
function close(path: string, stats: Stats, mode: number, warn: Warn): void {
  const was = `${path} was open to others (mode ${modeOf(stats)})`
  try {
    chmodSync(path, mode)
    warn(`${was}; it is its owner's alone now (${modeOf({ mode })})`)
  } catch (error) {
    warn(`${was} and stays so, since its rights cannot be changed (${(error as NodeJS.ErrnoException).code})`)
  }
}

function createPrivately(path: string): void {
  let file: number
  try {
    file = openSync(path, 'wx', 0o600)
  } catch (error) {
    // Another process was first.
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return
    throw error
  }
  fchmodSync(file, 0o600)
  closeSync(file)
}

function found(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false })
}

function ourUser(): number {
  return process.geteuid?.() ?? -1
}

/** With the group of root, whose only member is root. */
function ourGroups(): readonly number[] {
  return [0, process.getegid?.() ?? 0, ...(process.getgroups?.() ?? [])]
}

function modeOf({ mode }: Pick<Stats, 'mode'>): string {
  return (mode & 0o7777).toString(8).padStart(4, '0')
}

const insecureFile = 'SPILLWAY_INSECURE_FILE'

function insecure(message: string): Error {
  return Object.assign(new Error(message), { code: insecureFile })
}

function isInsecure(error: unknown): boolean {
  return (error as { code?: unknown }).code === insecureFile
}
