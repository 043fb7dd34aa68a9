import type { Writable } from 'node:stream'

/** Where lines go: a stream of Node is one. */
export interface LineOutput {
  /** Takes a text; `done` hears, once, whether it got through. */
  write(text: string, done: (error?: Error | null) => void): unknown
  /** Characters that it has taken and that have not got through. */
  readonly writableLength: number
}

export interface LineWriterOptions {
  /**
   * Characters that wait for the stream at most; lines beyond that are dropped.
   * @default 262144
   */
  readonly maxBuffered?: number | undefined
  /** Hears when lines begin to be dropped, and why: once, until a line gets through again. Must not throw. */
  readonly onOutage?: ((reason: string) => void) | undefined
}

/** The defaults of {@link LineWriterOptions}. */
export const lineWriterDefaults: { readonly maxBuffered: number } = {
  maxBuffered: 256 * 1024,
}

/** Writes lines to a stream as well as that goes. Anything that writes strings may have it for a destination. */
export interface LineWriter {
  /** Takes a line, without its end. Never throws and never waits: what the stream does not take is dropped. */
  write(line: string): void
  /** Lines dropped so far. */
  readonly dropped: number
  /** Resolves when nothing waits for the stream any more, or after `ms` milliseconds. */
  flush(ms: number): Promise<void>
}

/**
 * A writer for a stream that may break (the reader of the pipe is gone, the disk is full) or stop accepting data (its
 * reader hangs): neither an error nor a wait reaches whoever writes, and memory is bounded. When the stream takes lines
 * again, one of them says how many were dropped.
 */
export function lineWriter(stream: Writable | LineOutput, options: LineWriterOptions = {}): LineWriter {
  const { maxBuffered = lineWriterDefaults.maxBuffered, onOutage } = options
  let dropped = 0
  /** Of those, the ones that no line has told of. */
  let untold = 0
  let isOut = false
  let pending = 0
  let idle = Promise.withResolvers<void>()
  if ('on' in stream) {
    // Without a listener an error ends the process. The callback of each write gets its error.
    stream.on('error', () => {})
    waitLessly(stream)
  }

  const drop = (count: number, reason: string): void => {
    untold += count
    if (isOut) return
    isOut = true
    onOutage?.(reason)
  }
  const put = (text: string, onFailure: (reason: string) => void): void => {
    pending++
    stream.write(text, (error) => {
      pending--
      if (error) onFailure((error as NodeJS.ErrnoException).code ?? error.name)
      else tell()
      if (pending > 0) return
      idle.resolve()
      idle = Promise.withResolvers()
    })
  }
  /** As soon as lines get through and there is space for more. */
  const tell = (): void => {
    if (untold === 0 || stream.writableLength > maxBuffered / 2) return
    const count = untold
    untold = 0
    isOut = false
    const text = count === 1 ? '1 line was dropped here' : `${count} lines were dropped here`
    put(`${text}: the output did not take them\n`, (reason) => drop(count, reason))
  }
  return {
    write(line) {
      const text = `${line}\n`
      const lose = (reason: string): void => {
        dropped++
        drop(1, reason)
      }
      if (stream.writableLength + text.length > maxBuffered) lose('its reader does not keep up')
      else put(text, lose)
    },
    get dropped() {
      return dropped
    },
    async flush(ms) {
      if (pending === 0) return
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, ms)
      await Promise.race([idle.promise, promise])
      clearTimeout(timer)
    },
  }
}

/**
 * Node writes to terminals synchronously: one that is stopped (Ctrl-S, a connection that stalls) would stop the process.
 * There is no public way to have that otherwise.
 */
function waitLessly(stream: Writable): void {
  const { isTTY, _handle: handle } = stream as Writable & {
    readonly isTTY?: boolean
    readonly _handle?: { setBlocking?(on: boolean): unknown } | null
  }
  if (isTTY) handle?.setBlocking?.(false)
}
