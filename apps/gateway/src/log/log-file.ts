import { close, fstatSync, type Stats, stat, write } from 'node:fs'
import { systemClock } from '@spillway/middleware'
import type { LineOutput } from './line-writer.ts'
import { openLogPlace } from './log-place.ts'

/** How often its place is looked at, in milliseconds: a file that was renamed or removed is left, and a new one made. */
const lookEvery = 1_000

/** What of the system a log file needs. */
export interface LogFileSystem {
  readonly now: () => number
  readonly write: typeof write
}

/** A file that lines are appended to. No error of it lasts: each line is tried again by itself. */
export class LogFile implements LineOutput {
  readonly #path: string
  readonly #warn: (line: string) => void
  readonly #system: LogFileSystem
  readonly #waiting: { readonly text: string; readonly done: (error?: Error | null) => void }[] = []
  #descriptor: number
  #lookedAt: number
  #isWriting = false
  /** The last line that was begun has no end. */
  #isTorn = false
  writableLength = 0

  /**
   * @param warn what the operator should know
   * @throws Error with a `code` where it cannot be opened, or is another user's
   */
  constructor(path: string, warn: (line: string) => void, system: Partial<LogFileSystem> = {}) {
    this.#path = path
    this.#warn = warn
    this.#system = { now: systemClock.now, write, ...system }
    this.#descriptor = openLogPlace(path, warn)
    this.#lookedAt = this.#system.now()
  }

  write(text: string, done: (error?: Error | null) => void): void {
    this.#waiting.push({ text, done })
    this.writableLength += text.length
    if (!this.#isWriting) this.#next()
  }

  #next(): void {
    const first = this.#waiting.shift()
    this.#isWriting = first !== undefined
    if (first === undefined) return
    const end = (error: Error | null): void => {
      this.writableLength -= first.text.length
      first.done(error)
      this.#next()
    }
    const put = (): void => this.#put(Buffer.from(this.#isTorn ? `\n${first.text}` : first.text), end)
    const now = this.#system.now()
    if (now - this.#lookedAt < lookEvery) return put()
    this.#lookedAt = now
    this.#follow(put)
  }

  #put(bytes: Buffer, end: (error: Error | null) => void): void {
    this.#system.write(this.#descriptor, bytes, 0, bytes.length, null, (error, written) => {
      if (error !== null) return end(error)
      this.#isTorn = written < bytes.length
      if (this.#isTorn && written > 0) this.#put(bytes.subarray(written), end)
      else end(this.#isTorn ? Object.assign(new Error('nothing was written'), { code: 'ENOSPC' }) : null)
    })
  }

  /** A program that rotates logs renames the file: lines go on in a new one of its name. */
  #follow(then: () => void): void {
    stat(this.#path, (_, there?: Stats) => {
      try {
        const ours = fstatSync(this.#descriptor)
        if (there?.ino !== ours.ino || there.dev !== ours.dev) {
          const before = this.#descriptor
          this.#descriptor = openLogPlace(this.#path, this.#warn)
          this.#isTorn = false
          close(before, () => {})
        }
      } catch {
        // What was open stays so: its folder may be away for a while.
      }
      then()
    })
  }
}
