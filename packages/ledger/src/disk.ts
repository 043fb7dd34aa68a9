import { resolve } from 'node:path'
import { Journal } from './journal.ts'
import type { Warn } from './private-files.ts'
import { RejectedEntries, type RejectedEntry, reasonOf } from './rejected-entries.ts'

/** What entries are kept in while their store cannot take them. */
export interface Disk<Entry> {
  readonly journal: Journal<Entry>
  readonly rejected: RejectedEntries<Entry>
}

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
  // Node's `mkdir -p` of a relative path never returns once the working directory has been removed.
  const place = resolve(folder)
  return {
    journal: new Journal<Entry>(place, maxBytes, name, warn),
    rejected: new RejectedEntries<Entry>(place, warn),
  }
}

/** Keeps an entry that its database refused. @returns undefined when it is kept; else why not */
export async function setAside<Entry>(
  disk: Disk<Entry> | undefined,
  rejected: RejectedEntry<Entry>,
): Promise<string | undefined> {
  if (disk === undefined) return 'there is no journal beside which it could be kept'
  try {
    return (await disk.rejected.keep(rejected)) ? undefined : 'the file of such rows is full'
  } catch (error) {
    return `the file of such rows cannot be written (${reasonOf(error)})`
  }
}
