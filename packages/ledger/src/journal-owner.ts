import { closeSync, existsSync, openSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs'
import { readdir, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { makeFolders } from './make-folders.ts'
import type { Warn } from './private-files.ts'
import { reasonOf } from './rejected-entries.ts'

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
  /** Folders that cannot be taken over, which has been said; as many as there are at most. */
  readonly #told = new Set<string>()

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
    let lock: Lock | undefined
    try {
      makeFolders(made, 0o700)
      closeSync(openSync(join(made, lockFile), 'w', 0o600))
      lock = lockOf(join(made, lockFile))
      renameSync(made, own)
    } catch (error) {
      lock?.held?.close()
      removeMade(made)
      throw error
    }
    if (lock.held === undefined)
      this.#warn(
        `${this.#folder} cannot be locked (${reasonOf(lock.error)}): let no other process use it as its journal`,
      )
    this.#lock = lock.held
    this.#own = own
    return own
  }

  /** The own folder is not there any more: the next claim makes another one. */
  forget(): void {
    this.#own = undefined
    this.#lock?.close()
    this.#lock = undefined
  }

  /** Releases the own folder, and removes it when it is empty. */
  release(): void {
    if (this.#own === undefined) return
    const own = this.#own
    this.forget()
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
      if (!existsSync(join(folder, lockFile))) continue
      const lock = lockOf(join(folder, lockFile))
      if (lock.held === undefined) {
        this.#notTaken(folder, lock.error)
        continue
      }
      try {
        await this.#take(folder, await readdir(folder), isOurs)
      } finally {
        lock.held.close()
      }
      removeEmpty(folder)
    }
  }

  /** One that its owner has locked is no news. */
  #notTaken(folder: string, error: unknown): void {
    if ((error as { errcode?: unknown }).errcode === busy || this.#told.has(folder)) return
    this.#told.add(folder)
    this.#warn(`${folder} cannot be locked (${reasonOf(error)}): what is in it is not taken over`)
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

/** SQLite's codes: another one has the lock; the file cannot be opened. */
const busy = 5
const cannotOpen = 14

/** A lock that is held until it is closed; or why there is none: another process has it, or there are no locks here. */
type Lock =
  | { readonly held: DatabaseSync; readonly error?: undefined }
  | { readonly held?: undefined; readonly error: unknown }

/** @throws the system's error while the process has no descriptor left: that says nothing of the lock */
function lockOf(file: string): Lock {
  const first = tryLock(file)
  if ((first.error as { errcode?: unknown } | undefined)?.errcode !== cannotOpen) return first
  // SQLite does not say why. The folder is opened, and not the file, since closing that would take its locks away.
  try {
    closeSync(openSync(dirname(file), 'r'))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EMFILE' || code === 'ENFILE') throw error
  }
  // There may be one again.
  return tryLock(file)
}

function tryLock(file: string): Lock {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { timeout: 0 })
    // Nothing is written, so there is nothing to roll back, and no other file.
    database.exec('pragma journal_mode = memory; begin exclusive')
    return { held: database }
  } catch (error) {
    database?.close()
    return { error }
  }
}

/** Needs no descriptor, as listing the folder would. */
function removeMade(folder: string): void {
  try {
    rmSync(join(folder, lockFile), { force: true })
    rmdirSync(folder)
  } catch {
    // It was not made.
  }
}

function removeEmpty(folder: string): void {
  try {
    // Where files are left, the lock stays, by which the next one knows that they have no owner.
    if (readdirSync(folder).some((name) => name !== lockFile)) return
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
