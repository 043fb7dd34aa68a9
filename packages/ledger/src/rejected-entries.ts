import { appendFile, open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { secureFile, type Warn } from './private-files.ts'

/** Beside a journal. */
const fileName = 'rejected.ndjson'

/** What is kept of them, in bytes. */
const mostBytes = 16 * 1024 * 1024

/** Of the error's message. */
const longestReason = 500

/** An entry that its database refused for what it is, and why. */
export interface RejectedEntry<Entry = unknown> {
  /** When, in milliseconds since the Unix epoch. */
  readonly at: number
  readonly reason: string
  readonly entry: Entry
}

/** Entries that were set aside, in a file of JSON Lines that is their owner's alone; 16 MiB at most. */
export class RejectedEntries<Entry> {
  readonly #file: string
  readonly #warn: Warn

  constructor(folder: string, warn: Warn) {
    this.#file = join(folder, fileName)
    this.#warn = warn
  }

  /** Keeps an entry; false when there is no capacity for it. */
  async keep(rejected: RejectedEntry<Entry>): Promise<boolean> {
    const size = await stat(this.#file).then(
      (stats) => stats.size,
      () => undefined,
    )
    if (size !== undefined) secureFile(this.#file, this.#warn)
    const text = `${textOf(rejected)}\n`
    if ((size ?? 0) + Buffer.byteLength(text) > mostBytes) return false
    await appendFile(this.#file, text, { mode: 0o600, flush: true })
    return true
  }
}

/** What was set aside beside a journal, oldest first; none where nothing was. */
export async function* readRejected(folder: string): AsyncGenerator<RejectedEntry> {
  let file: Awaited<ReturnType<typeof open>>
  try {
    file = await open(join(folder, fileName))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  try {
    for await (const line of file.readLines()) {
      const rejected = rejectedOf(line)
      if (rejected !== undefined) yield rejected
    }
  } finally {
    await file.close()
  }
}

export function reasonOf(error: unknown): string {
  const { code, errcode, message } = (error ?? {}) as { code?: unknown; errcode?: unknown; message?: unknown }
  // SQLite has one code for all errors, and its own beside it.
  const codes = [code, errcode].filter((each) => each !== undefined).join(' ')
  const text = String(message ?? error)
  return (codes === '' || text.startsWith(`${codes}:`) ? text : `${codes}: ${text}`).slice(0, longestReason)
}

function textOf(rejected: RejectedEntry): string {
  try {
    return JSON.stringify(rejected)
  } catch {
    // That may be why it was refused.
    return JSON.stringify({ ...rejected, entry: String(rejected.entry) })
  }
}

function rejectedOf(line: string): RejectedEntry | undefined {
  try {
    return JSON.parse(line) as RejectedEntry
  } catch {
    // Cut off.
    return undefined
  }
}
