import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  constants,
  lchownSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
  symlinkSync,
  write,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../../test/gateway.ts'
import { lineWriter } from './line-writer.ts'
import { LogFile, type LogFileSystem } from './log-file.ts'

const isRoot = process.geteuid?.() === 0

function logIn(path: string, system: Partial<LogFileSystem> = {}) {
  const said: string[] = []
  const file = new LogFile(path, (line) => said.push(line), system)
  return { log: lineWriter(file, { onOutage: (reason) => said.push(reason) }), said }
}

const linesOf = (path: string): string[] => readFileSync(path, 'utf8').split('\n').slice(0, -1)

it('a disk that was full takes lines again when it has space; what it took a part of ends where it breaks off', async () => {
  const path = join(temporaryFolder(), 'log')
  let space = 9
  const limited = ((descriptor: number, bytes: Buffer, ...rest: unknown[]) => {
    const done = rest.at(-1) as (error: Error | null, written: number) => void
    const part = bytes.subarray(0, space)
    space -= part.length
    if (part.length === 0) return done(Object.assign(new Error('write ENOSPC'), { code: 'ENOSPC' }), 0)
    write(descriptor, part, 0, part.length, null, done)
  }) as typeof write
  const { log, said } = logIn(path, { write: limited })
  for (const line of ['first', 'second', 'third']) log.write(line)
  await log.flush(1_000)
  expect([log.dropped, said]).toEqual([2, ['ENOSPC']])
  space = 1_000
  log.write('fourth')
  await log.flush(1_000)
  expect(linesOf(path)).toEqual([
    'first',
    'sec',
    'fourth',
    '2 lines were dropped here: the output did not take them',
  ])
})

it('a file that was renamed is left, and lines go on in a new one that is as private', async () => {
  const path = join(temporaryFolder(), 'log')
  let now = 0
  const { log } = logIn(path, { now: () => now })
  log.write('before')
  await log.flush(1_000)
  renameSync(path, `${path}.1`)
  now = 1_000
  log.write('after')
  await log.flush(1_000)
  expect([linesOf(`${path}.1`), linesOf(path)]).toEqual([['before'], ['after']])
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

it('a folder that is unavailable for a while loses no line', async () => {
  const folder = join(temporaryFolder(), 'logs')
  mkdirSync(folder)
  let now = 0
  const { log } = logIn(join(folder, 'log'), { now: () => now })
  renameSync(folder, `${folder}-away`)
  now = 1_000
  log.write('on')
  await log.flush(1_000)
  expect([linesOf(join(`${folder}-away`, 'log')), log.dropped]).toEqual([['on'], 0])
})

it('a file that others can read is closed to them, and it is said', async () => {
  const path = join(temporaryFolder(), 'log')
  writeFileSync(path, 'old\n')
  chmodSync(path, 0o664)
  const { log, said } = logIn(path)
  log.write('new')
  await log.flush(1_000)
  expect(linesOf(path)).toEqual(['old', 'new'])
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(said).toEqual([`the log ${path} was open to others (mode 0664); it is its owner's alone now (0600)`])
})

it.skipIf(!isRoot)('a file of another user, and a link of theirs, are refused', () => {
  const folder = temporaryFolder()
  const [file, link, own] = [join(folder, 'file'), join(folder, 'link'), join(folder, 'own')]
  writeFileSync(file, '')
  chownSync(file, 65_534, 65_534)
  symlinkSync(own, link)
  lchownSync(link, 65_534, 65_534)
  expect(() => logIn(file)).toThrow('belongs to another user (uid 65534)')
  expect(() => logIn(link)).toThrow('a link that belongs to another user (uid 65534)')
  lchownSync(link, 0, 0)
  expect(() => logIn(link)).not.toThrow()
})

it.skipIf(process.platform !== 'linux')(
  'a pipe without a reader is an error at once; a reader that hangs costs lines, and one that goes on gets them again',
  async () => {
    const path = join(temporaryFolder(), 'pipe')
    execFileSync('mkfifo', [path])
    expect(() => logIn(path)).toThrow('it is a pipe that no program reads (ENXIO): start its reader first')
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const { log, said } = logIn(path)
    for (let lines = 0; lines < 100; lines++) log.write('x'.repeat(2_000))
    await log.flush(5_000)
    expect(log.dropped).toBeGreaterThan(20)
    expect(said).toEqual(['EAGAIN'])
    const buffer = Buffer.alloc(1_000_000)
    readSync(reader, buffer)
    log.write('on')
    await log.flush(5_000)
    expect(buffer.toString('utf8', 0, readSync(reader, buffer))).toMatch(
      /^\n?on\n\d+ lines were dropped here/,
    )
  },
)
