import { Writable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { lineWriter } from './line-writer.ts'
import { openLines } from './lines.ts'

/** A stream that takes, refuses or keeps what is written to it, as told; like those of a process, it survives errors. */
class Output extends Writable {
  readonly text: string[] = []
  mode: 'take' | 'refuse' | 'hang' = 'take'
  #held: (() => void)[] = []

  constructor() {
    super({ decodeStrings: false, emitClose: false })
  }

  override _write(chunk: string, _: string, done: (error?: Error) => void): void {
    if (this.mode === 'refuse') return done(Object.assign(new Error('write ENOSPC'), { code: 'ENOSPC' }))
    const take = (): void => {
      this.text.push(chunk)
      done()
    }
    if (this.mode === 'hang') this.#held.push(take)
    else take()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // As Node does for standard output.
    done(error)
    ;(this as unknown as { _undestroy(): void })._undestroy()
  }

  takeAgain(): void {
    this.mode = 'take'
    for (const take of this.#held.splice(0)) take()
  }

  get lines(): string[] {
    return this.text.join('').split('\n').slice(0, -1)
  }
}

/** Lets the callbacks of all writes so far come. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 5; turns++) await turn()
}

describe('lineWriter', () => {
  it('writes lines in order', async () => {
    const output = new Output()
    const writer = lineWriter(output)
    writer.write('a')
    writer.write('b')
    await writer.flush(1_000)
    expect([output.lines, writer.dropped]).toEqual([['a', 'b'], 0])
  })

  it('drops and counts lines while writing fails, tells of it once, and says how many when it works again', async () => {
    const output = new Output()
    const outages: string[] = []
    const writer = lineWriter(output, { onOutage: (reason) => outages.push(reason) })
    output.mode = 'refuse'
    for (const line of ['a', 'b', 'c']) {
      writer.write(line)
      await settled()
    }
    output.mode = 'take'
    writer.write('d')
    await settled()
    writer.write('e')
    await settled()
    const notice = '3 lines were dropped here: the output did not take them'
    expect(output.lines).toEqual(['d', notice, 'e'])
    expect([outages, writer.dropped]).toEqual([['ENOSPC'], 3])
  })

  it('tells of a second outage too', async () => {
    const output = new Output()
    const outages: string[] = []
    const writer = lineWriter(output, { onOutage: (reason) => outages.push(reason) })
    for (const mode of ['refuse', 'take', 'refuse', 'take'] as const) {
      output.mode = mode
      writer.write(mode)
      await settled()
    }
    expect(outages).toEqual(['ENOSPC', 'ENOSPC'])
    expect(output.lines.filter((line) => line.startsWith('1 line was dropped'))).toHaveLength(2)
  })

  it('keeps no more than it may for a reader that hangs, and catches up when it reads again', async () => {
    const output = new Output()
    output.mode = 'hang'
    const writer = lineWriter(output, { maxBuffered: 1_000 })
    for (let line = 0; line < 10_000; line++) writer.write(`line ${line}`)
    await settled()
    expect(output.writableLength).toBeLessThanOrEqual(1_000)
    expect(writer.dropped).toBeGreaterThan(9_800)
    output.takeAgain()
    await writer.flush(1_000)
    await settled()
    const kept = 10_000 - writer.dropped
    expect(output.lines.slice(0, kept)).toEqual(Array.from({ length: kept }, (_, line) => `line ${line}`))
    expect(output.lines.slice(kept)).toEqual([
      `${writer.dropped} lines were dropped here: the output did not take them`,
    ])
  })

  it('drops a line that is longer than all that may wait', async () => {
    const output = new Output()
    const writer = lineWriter(output, { maxBuffered: 1_000 })
    writer.write('x'.repeat(30_000_000))
    writer.write('short')
    await settled()
    expect([output.lines[0], writer.dropped]).toEqual(['short', 1])
  })

  it('does not wait longer for a flush than it may', async () => {
    const output = new Output()
    output.mode = 'hang'
    const writer = lineWriter(output)
    writer.write('a')
    const before = performance.now()
    await writer.flush(50)
    expect(performance.now() - before).toBeLessThan(2_000)
  })

  it('does not have a terminal block the process', () => {
    const asked: boolean[] = []
    const output = Object.assign(new Output(), {
      isTTY: true,
      _handle: { setBlocking: (on: boolean) => asked.push(on) },
    })
    lineWriter(output)
    expect(asked).toEqual([false])
  })
})

describe('openLines', () => {
  it('says on one stream that the other does not work', async () => {
    const [stdout, stderr] = [new Output(), new Output()]
    const lines = openLines(stdout, stderr)
    stdout.mode = 'refuse'
    for (let line = 0; line < 3; line++) lines.out('a call')
    await settled()
    expect(stderr.lines).toEqual([
      'standard output takes no lines (ENOSPC): they are dropped and counted until it does',
    ])
    expect(lines.dropped()).toEqual({ stdout: 3, stderr: 0 })
  })

  it('comes to rest where neither works', async () => {
    const [stdout, stderr] = [new Output(), new Output()]
    const lines = openLines(stdout, stderr)
    stdout.mode = 'refuse'
    stderr.mode = 'refuse'
    lines.out('a call')
    lines.err('a warning')
    await settled()
    await lines.flush(1_000)
    const { stdout: out, stderr: err } = lines.dropped()
    expect(out + err).toBeLessThanOrEqual(4)
  })
})
