import { open, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { secureFile, secureFolder, type Warn, warnProcess } from './private-files.ts'

/**
 * Entries on disk while the database is away: files of JSON Lines in a folder, one for each batch, written and synced
 * before they count. A file is removed when the store has all of it; a crash in between writes it once more, and the store
 * knows them by their ids. A last line that was cut off by a crash is skipped. Folder and files are their owner's alone; files
 * of other users are left where they are.
 */
export class Journal<Entry> {
  readonly #folder: string
  readonly #maxBytes: number
  readonly #name: string
  readonly #warn: Warn
  /** Files that are not ours, which have been told of. */
  #foreign: ReadonlySet<string> = new Set()
  #number = 0
  #bytes = 0

  /**
   * @throws Error with `code` `SPILLWAY_INSECURE_FILE` when others can write to the folder, and the file system's error when
   * it cannot be made
   */
  constructor(folder: string, maxBytes: number, name: string, warn: Warn = warnProcess) {
    secureFolder(folder, warn)
    this.#folder = folder
    this.#maxBytes = maxBytes
    this.#name = name
    this.#warn = warn
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Keeps a batch; false when the journal is full. */
  async append(entries: readonly Entry[]): Promise<boolean> {
    const text = entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')
    const bytes = Buffer.byteLength(text)
    if (this.#bytes + bytes > this.#maxBytes) return false
    const number = String(this.#number++).padStart(9, '0')
    const file = await open(join(this.#folder, `${this.#name}-${number}.jsonl`), 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.datasync()
    } finally {
      await file.close()
    }
    this.#bytes += bytes
    return true
  }

  /** The files that wait, oldest first; those of earlier runs too. */
  async files(): Promise<string[]> {
    const names = (await readdir(this.#folder)).filter((name) => name.endsWith('.jsonl')).sort()
    const files = this.#ours(names.map((name) => join(this.#folder, name)))
    const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size))
    this.#bytes = sizes.reduce((sum, size) => sum + size, 0)
    return files
  }

  /** What another user has put here is not for the books. */
  #ours(files: readonly string[]): string[] {
    const foreign = new Set<string>()
    for (const file of files) {
      try {
        secureFile(file, this.#warn)
      } catch (error) {
        if (!this.#foreign.has(file)) this.#warn(`left out of the books: ${(error as Error).message}`)
        foreign.add(file)
      }
    }
    this.#foreign = foreign
    return files.filter((file) => !foreign.has(file))
  }

  async read(file: string): Promise<Entry[]> {
    const entries: Entry[] = []
    for (const line of (await readFile(file, 'utf8')).split('\n')) {
      try {
        if (line !== '') entries.push(JSON.parse(line) as Entry)
      } catch {
        // Cut off: it was never acknowledged.
      }
    }
    return entries
  }

  async remove(file: string): Promise<void> {
    const { size } = await stat(file)
    await rm(file)
    this.#bytes -= size
  }
}
