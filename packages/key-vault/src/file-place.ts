import type { Stats } from 'node:fs'
import { lstat, readlink, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { KeyVaultError, systemCode } from './vault-error.ts'

/** Windows has no modes of files: there the rights of the folder hold. */
export const hasModes: boolean = process.platform !== 'win32'

/** As many links as the system follows. */
const mostLinks = 40

/** What a shell hands over, such as `<(command)`: a link to no path. */
const handedOver = /^\/(dev\/fd|proc\/[^/]+\/fd)\//

/**
 * The file that a path leads to, there or not: where it is a link, what that leads to, so that whoever replaces the file
 * leaves the link as it is. Every folder on the way must be one whose files no other user can replace.
 * @param what such as `the vault`, for errors
 * @throws KeyVaultError INSECURE_FILE
 */
export async function fileBehind(path: string, what: string): Promise<string> {
  let current = resolve(path)
  for (let links = 0; links <= mostLinks; links++) {
    if (handedOver.test(current)) return current
    let folder: string
    try {
      folder = await realpath(dirname(current))
    } catch (error) {
      // Reading and writing say what is wrong with it.
      if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return current
      throw unavailable(what, current, error)
    }
    current = join(folder, basename(current))
    if (hasModes) await checkFolders(folder, what)
    const stats = await lstat(current).catch(() => undefined)
    if (!stats?.isSymbolicLink()) return current
    if (hasModes && !isTrusted(stats)) {
      throw insecure(`${what} ${current} is a link of another user (uid ${stats.uid}): remove it`)
    }
    current = resolve(folder, await readlink(current))
  }
  throw insecure(`${what} ${path} is a link that leads to no file: too many links`)
}

/**
 * Checks that a file is its owner's alone. A file of root may be read by a group: mounted secrets are.
 * @throws KeyVaultError INSECURE_FILE
 */
export function checkFile(stats: Stats, path: string, what: string): void {
  if (!hasModes) return
  const { mode, uid } = stats
  if (!isTrusted(stats)) {
    throw insecure(
      `${what} ${path} belongs to another user (uid ${uid}; this process is ${ourUser()}): run as that user, ` +
        `or chown ${ourUser()} ${path} if it is what you put there`,
    )
  }
  const forbidden = uid === ourUser() ? 0o077 : 0o027
  if ((mode & forbidden) === 0) return
  throw insecure(
    `${what} ${path} is open to others than its owner (mode ${modeOf(stats)}): run chmod 600 ${path}, ` +
      'and replace the keys if anybody may have read it',
  )
}

/** The folder of a file must be ours; those above must not let everyone put another one in its place. */
async function checkFolders(folder: string, what: string): Promise<void> {
  const own = await stat(folder)
  if (!isTrusted(own)) {
    throw insecure(
      `${what} is in ${folder}, which belongs to another user (uid ${own.uid}): move it to a folder of this user`,
    )
  }
  if (!isSticky(own)) {
    if ((own.mode & 0o002) !== 0) throw open(folder, own, what)
    if ((own.mode & 0o020) !== 0 && !isPrivateGroup(own.gid)) throw open(folder, own, what)
  }
  for (let above = dirname(folder); ; above = dirname(above)) {
    const stats = await stat(above)
    if ((stats.mode & 0o002) !== 0 && !isSticky(stats)) throw open(above, stats, what)
    if (above === dirname(above)) return
  }
}

function open(folder: string, stats: Stats, what: string): KeyVaultError {
  return insecure(
    `others can write in ${folder} (mode ${modeOf(stats)}), and so replace ${what}: run chmod go-w ${folder}, ` +
      `or move it to a folder that only this user can write (mkdir -m 700)`,
  )
}

/** As in `/tmp`: only owners remove and rename what is there. */
function isSticky({ mode, uid }: Stats): boolean {
  return (mode & 0o1000) !== 0 && (uid === 0 || uid === ourUser())
}

/** Ours, or of root, who can do everything anyway. */
export function isTrusted({ uid }: Stats): boolean {
  return uid === ourUser() || uid === 0
}

/** The group that has its user's number and name, as most systems make one, or root's. */
function isPrivateGroup(gid: number): boolean {
  return gid === 0 || (gid === process.getegid?.() && gid === ourUser())
}

function ourUser(): number {
  return process.geteuid?.() ?? -1
}

function modeOf({ mode }: Stats): string {
  return (mode & 0o7777).toString(8).padStart(4, '0')
}

function insecure(message: string): KeyVaultError {
  return new KeyVaultError('INSECURE_FILE', message)
}

function unavailable(what: string, path: string, error: unknown): KeyVaultError {
  return new KeyVaultError(
    'UNAVAILABLE',
    `${what} ${path} cannot be read (${systemCode(error) ?? 'unknown error'})`,
  )
}
