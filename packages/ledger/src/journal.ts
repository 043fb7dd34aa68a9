import { existsSync } from 'node:fs'
import { open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { JournalOwner } from './journal-owner.ts'
import { secureFile, secureFolder, type Warn, warnProcess } from './private-files.ts'

/**
 * Entries on disk while the database is unavailable: files of JSON Lines in a folder, one for each batch, written and synced
 * before they count. A file is removed when the store has all of it; a crash in between writes it once more, and the store
 * knows them by their ids. A last line that was cut off by a crash is skipped. Folder and files are their owner's alone; files
 * of other users are left where they are. Processes may share the folder: each has its own in it, see
 * {@link JournalOwner}.
 */
export class Journal<Entry> {
  readonly #owner: JournalOwner
  readonly #maxBytes: number
  readonly #name: string
  readonly #warn: Warn
  /** Files that are not ours, which have been told of. */
  #foreign: ReadonlySet<string> = new Set()
  #number = 0
  /** Of each file that waits, in bytes. */
  readonly #sizes = new Map<string, number>()
  /** Those that are not whole yet. */
  readonly #writing = new Set<string>()
  /** The sum of all sizes. */
  #bytes = 0

  /**
   * @throws Error with `code` `SPILLWAY_INSECURE_FILE` when others can write to the folder, and the file system's error when
   * it cannot be made
   */
  constructor(folder: string, maxBytes: number, name: string, warn: Warn = warnProcess) {
    secureFolder(folder, warn)
    this.#owner = new JournalOwner(folder, name, warn)
    this.#maxBytes = maxBytes
    this.#name = name
    this.#warn = warn
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Keeps a batch; false when the journal is full. */
  async append(entries: readonly Entry[]): Promise<boolean> {
    const text = linesOf(entries)
    const bytes = Buffer.byteLength(text)
    if (this.#bytes + bytes > this.#maxBytes) return false
    const name = `${this.#name}-${String(this.#number++).padStart(9, '0')}.jsonl`
    try {
      await this.#write(name, bytes, text)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      // The folder was removed while the process ran.
      this.#forget()
      await this.#write(name, bytes, text)
    }
    return true
  }

  async #write(name: string, bytes: number, text: string): Promise<void> {
    const file = join(this.#owner.claim(), name)
    // Counted before it is written: another batch may come meanwhile, and the folder must stay.
    this.#sized(file, bytes)
    this.#writing.add(file)
    try {
      await writeSynced(file, text)
    } catch (error) {
      this.#sized(file, 0)
      throw error
    } finally {
      this.#writing.delete(file)
    }
  }

  /** The own folder where it is no more, and what was in it. */
  #forget(): void {
    const { folder } = this.#owner
    if (folder === undefined || existsSync(folder)) return
    this.#owner.forget()
    for (const file of [...this.#sizes.keys()]) if (!this.#writing.has(file)) this.#sized(file, 0)
    this.#warn(`${folder} was removed while its owner runs, with the rows in it`)
  }

  /** Puts what is left of a file in its place. */
  async replace(file: string, entries: readonly Entry[]): Promise<void> {
    const text = linesOf(entries)
    await rm(`${file}.part`, { force: true })
    await writeSynced(`${file}.part`, text)
    await rename(`${file}.part`, file)
    this.#sized(file, Buffer.byteLength(text))
  }

  /** The files that wait, oldest first; those of processes that have ended too. */
  async files(): Promise<string[]> {
    const foreign = new Set<string>()
    this.#forget()
    await this.#owner.adopt((file) => this.#isOurs(file, foreign))
    this.#foreign = foreign
    const { folder } = this.#owner
    if (folder === undefined) return []
    const names = (await readdir(folder)).filter((name) => name.endsWith('.jsonl')).sort()
    const files = names.map((name) => join(folder, name)).filter((file) => !this.#writing.has(file))
    for (const file of files) if (!this.#sizes.has(file)) this.#sized(file, (await stat(file)).size)
    return files
  }

  /** What another user has put here is not for the books. */
  #isOurs(file: string, foreign: Set<string>): boolean {
    try {
      secureFile(file, this.#warn)
      return true
    } catch (error) {
      if (!this.#foreign.has(file)) this.#warn(`left out of the books: ${(error as Error).message}`)
      foreign.add(file)
      return false
    }
  }

  /** None where the file is no more. */
  async read(file: string): Promise<Entry[]> {
    const entries: Entry[] = []
    for (const line of (await this.#textOf(file)).split('\n')) {
      try {
        if (line !== '') entries.push(JSON.parse(line) as Entry)
      } catch {
        // Cut off: it was never acknowledged.
      }
    }
    return entries
  }

  async #textOf(file: string): Promise<string> {
    try {
      return await readFile(file, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      this.#warn(`${file} is gone: it was removed, or another process has taken it`)
      return ''
    }
  }

  async remove(file: string): Promise<void> {
    await rm(file, { force: true })
    this.#sized(file, 0)
    if (this.#sizes.size === 0) this.#owner.release()
  }

  #sized(file: string, bytes: number): void {
    this.#bytes += bytes - (this.#sizes.get(file) ?? 0)
    if (bytes === 0) this.#sizes.delete(file)
    else this.#sizes.set(file, bytes)
  }

  /** Leaves what waits to the next process. */
  close(): void {
    this.#owner.release()
  }
}

function linesOf(entries: readonly unknown[]): string {
  return entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')
}

/** A file that is whole when this resolves; what a full disk leaves of it is removed. */
async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.datasync()
  } catch (error) {
    await rm(path, { force: true }).catch(() => {})
    throw error
  } finally {
    await file.close()
  }
}
