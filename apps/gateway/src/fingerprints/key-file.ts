import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { chmod, link, open, unlink } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { keyBytes } from './fingerprints.ts'

/** Where programs keep what outlives them: `$XDG_STATE_HOME/spillway`, else `~/.local/state/spillway`. */
export function defaultStateFolder(env: NodeJS.ProcessEnv = process.env): string {
  const { XDG_STATE_HOME: base } = env
  // A relative one is to be ignored, by the XDG specification.
  const isSet = base !== undefined && isAbsolute(base)
  return join(isSet ? base : join(homedir(), '.local', 'state'), 'spillway')
}

/** A key, and what its owner should know about the file. */
export interface StoredKey {
  readonly key: Uint8Array
  readonly warning?: string | undefined
}

/**
 * The key in `fingerprint.key` of a folder; a new one where there is none yet.
 * @throws Error when the file can neither be used nor made
 */
export async function storedKey(folder: string): Promise<StoredKey> {
  const path = join(folder, 'fingerprint.key')
  const found = await readKey(path)
  if (found !== undefined) return found
  const key = randomBytes(keyBytes)
  // Another process may be faster: then its key is in use already.
  if (await createWhole(path, `${key.toString('base64url')}\n`)) return { key }
  const faster = await readKey(path)
  if (faster === undefined) throw new Error(`${path} was removed while it was made`)
  return faster
}

async function readKey(path: string): Promise<StoredKey | undefined> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    const isLink = codeOf(error) === 'ELOOP'
    throw new Error(`${path} ${isLink ? 'is a symbolic link' : `cannot be read (${codeOf(error)})`}`)
  })
  if (handle === undefined) return undefined
  try {
    const facts = await handle.stat()
    if (!facts.isFile()) throw new Error(`${path} is not a file`)
    const user = process.getuid?.()
    if (user !== undefined && facts.uid !== user) throw new Error(`${path} belongs to another user`)
    // Anything longer is no key of ours, and is not read into memory.
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(256), 0, 256, 0)
    const text = buffer.toString('latin1', 0, bytesRead).trim()
    if (!isKey(text)) throw new Error(`${path} holds no key`)
    const key = Buffer.from(text, 'base64url')
    if (process.platform === 'win32' || (facts.mode & 0o077) === 0) return { key }
    await handle.chmod(0o600)
    return {
      key,
      warning: `${path} was open to other users and is closed to them now; delete it for a new key if one may have read it`,
    }
  } finally {
    await handle.close()
  }
}

/** Whether this is the text of a key as {@link storedKey} writes it. */
export function isKey(text: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(text)
}

/** Creates a file atomically; false when there is one already. */
async function createWhole(path: string, text: string): Promise<boolean> {
  const temporary = `${path}.${process.pid}-${crypto.randomUUID()}.tmp`
  try {
    const { makeFolders } = await import('@spillway/ledger')
    makeFolders(dirname(path), 0o700)
    const handle = await open(temporary, 'wx', 0o600)
    try {
      await handle.writeFile(text)
      // Whatever the umask took away.
      await chmod(temporary, 0o600)
      await handle.sync()
    } finally {
      await handle.close()
    }
    // Unlike a rename this does not replace a file that is there.
    await link(temporary, path)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw new Error(`${path} cannot be made (${codeOf(error)})`)
  } finally {
    await unlink(temporary).catch(() => {})
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error'
}
