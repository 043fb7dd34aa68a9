import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmdirSync, rmSync } from 'node:fs'
import { readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Warn } from './private-files.ts'

const ending = '.owner'
const lockFile = 'lock'

/**
 * A folder of one process inside a journal's folder, which others may share: named after its owner and locked while that
 * runs, so that no other process touches what is in it. What owners that no longer run have left is taken over. The lock is
 * SQLite's, which the system takes away with the process, however it ends.
 */
export class JournalOwner {
  readonly #folder: string
  readonly #name: string
  readonly #warn: Warn
  #lock: DatabaseSync | undefined
  #own: string | undefined
  #claims = 0

  /** @param name unique for each owner */
  constructor(folder: string, name: string, warn: Warn) {
    this.#folder = folder
    this.#name = `${name}-${process.pid}`
    this.#warn = warn
  }

  /** The own folder, where there is one. */
  get folder(): string | undefined {
    return this.#own
  }

  /** The own folder; makes it when it is not there. @throws the file system's error */
  claim(): string {
    if (this.#own !== undefined) return this.#own
    const own = join(this.#folder, `${this.#name}-${this.#claims++}${ending}`)
    // Under another name until it is locked: it must never look as if its owner had ended.
    const made = `${own}.new`
    mkdirSync(made, { mode: 0o700, recursive: true })
    closeSync(openSync(join(made, lockFile), 'w', 0o600))
    this.#lock = locked(join(made, lockFile))
    if (this.#lock === undefined)
      this.#warn(`${this.#folder} cannot be locked: let no other process use it as its journal`)
    renameSync(made, own)
    this.#own = own
    return own
  }

  /** Lets go of the own folder, and removes it where nothing is left in it. */
  release(): void {
    if (this.#own === undefined) return
    const own = this.#own
    this.#own = undefined
    this.#lock?.close()
    this.#lock = undefined
    removeEmpty(own)
  }

  /**
   * Moves files that others have left into the own folder.
   * @param isOurs whether a file may be taken
   */
  async adopt(isOurs: (file: string) => boolean): Promise<void> {
    const names = await readdir(this.#folder)
    // From before there were owners.
    await this.#take(this.#folder, names, isOurs)
    for (const name of names) {
      const folder = join(this.#folder, name)
      if (!name.endsWith(ending) || folder === this.#own) continue
      const lock = existsSync(join(folder, lockFile)) ? locked(join(folder, lockFile)) : undefined
      if (lock === undefined) continue
      try {
        await this.#take(folder, await readdir(folder), isOurs)
      } finally {
        lock.close()
      }
      removeEmpty(folder)
    }
  }

  /** Names stay, which say when a file was begun. One that another process takes at the same moment is gone. */
  async #take(folder: string, names: readonly string[], isOurs: (file: string) => boolean): Promise<void> {
    for (const name of names) {
      const file = join(folder, name)
      if (!name.endsWith('.jsonl') || !isOurs(file)) continue
      await rename(file, join(this.claim(), name)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') this.#warn(`${file} cannot be taken over: ${error.code}`)
      })
    }
  }
}

/** A lock that is held until it is closed; undefined while another process has it, and where there are no locks. */
function locked(file: string): DatabaseSync | undefined {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { timeout: 0 })
    // Nothing is written, so there is nothing to roll back, and no other file.
    database.exec('pragma journal_mode = memory; begin exclusive')
    return database
  } catch {
    database?.close()
    return undefined
  }
}

function removeEmpty(folder: string): void {
  try {
    // Not empty where files are left, and then the lock stays, by which the next one knows that they have no owner.
    const lock = join(folder, lockFile)
    renameSync(lock, `${folder}.gone`)
    try {
      rmdirSync(folder)
      rmSync(`${folder}.gone`)
    } catch {
      renameSync(`${folder}.gone`, lock)
    }
  } catch {
    // Another one was faster.
  }
}
