import type { Writable } from 'node:stream'
import { type LineWriter, lineWriter } from './line-writer.ts'

/** Where a running gateway says what it has to say. */
export interface Lines {
  /** To standard output: one line for a call. */
  out(line: string): void
  /** To standard error: what its owner should know. */
  err(line: string): void
  /** Lines dropped so far, by stream. */
  dropped(): Readonly<Record<'stdout' | 'stderr', number>>
  /** Resolves when all is written, or after `ms` milliseconds. */
  flush(ms: number): Promise<void>
}

/** Lines for the two streams of the process. Where one fails, the other says so. */
export function openLines(stdout: Writable = process.stdout, stderr: Writable = process.stderr): Lines {
  const outage =
    (name: string, other: () => LineWriter) =>
    (reason: string): void =>
      other().write(`${name} takes no lines (${reason}): they are dropped and counted until it does`)
  const out = lineWriter(stdout, { onOutage: outage('standard output', () => err) })
  const err: LineWriter = lineWriter(stderr, { onOutage: outage('standard error', () => out) })
  return {
    out: (line) => out.write(line),
    err: (line) => err.write(line),
    dropped: () => ({ stdout: out.dropped, stderr: err.dropped }),
    flush: async (ms) => void (await Promise.all([out.flush(ms), err.flush(ms)])),
  }
}
