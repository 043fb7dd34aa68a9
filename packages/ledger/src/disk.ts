import type { Disk } from './batch-writer.ts'
import { Journal } from './journal.ts'
import type { Warn } from './private-files.ts'
import { RejectedEntries } from './rejected-entries.ts'

/**
 * What keeps entries on disk, in a folder; undefined where there is none.
 * @throws Error with `code` `SPILLWAY_INSECURE_FILE` when others can write to the folder, and the file system's error when
 * it cannot be made
 */
export function openDisk<Entry>(
  folder: string | undefined,
  maxBytes: number,
  name: string,
  warn: Warn,
): Disk<Entry> | undefined {
  if (folder === undefined) return undefined
  return {
    journal: new Journal<Entry>(folder, maxBytes, name, warn),
    rejected: new RejectedEntries<Entry>(folder, warn),
  }
}
