import { execFileSync, type SpawnOptions, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@spillway/testing'
import pg from 'pg'

/** A PostgreSQL of the test's own, on a free port of this machine. */
export interface PrivatePostgres {
  readonly url: string
  /** Its first process, which starts the others. */
  pid(): number
  start(): Promise<void>
  /** Breaks all connections. */
  stop(): Promise<void>
  /** Stops all its processes where they are (SIGSTOP): connections stay, and nothing answers. Needs `pgrep`. */
  freeze(): void
  thaw(): void
  remove(): Promise<void>
  /** Makes an empty database beside the first one, and gives its URL. */
  database(name: string): Promise<string>
}

/** The folder of PostgreSQL's programs; undefined where it is not installed. */
function programs(): string | undefined {
  const root = '/usr/lib/postgresql'
  if (!existsSync(root)) return undefined
  const [newest] = readdirSync(root).sort((a, b) => Number(b) - Number(a))
  const bin = newest === undefined ? undefined : join(root, newest, 'bin')
  return bin !== undefined && existsSync(join(bin, 'initdb')) ? bin : undefined
}

/** Undefined, with a printed word, where PostgreSQL is missing; under CI that is a failure. */
export async function privatePostgres(): Promise<PrivatePostgres | undefined> {
  const bin = programs()
  if (bin === undefined) {
    if (process.env.CI === 'true') throw new Error('PostgreSQL is not installed')
    console.warn('SKIPPED: PostgreSQL is not installed')
    return undefined
  }
  const folder = mkdtempSync(join(tmpdir(), 'spillway-pg-'))
  const asUser: SpawnOptions = { stdio: 'ignore' }
  // The server refuses to run as root.
  if (process.getuid?.() === 0) {
    const uid = Number(execFileSync('id', ['-u', 'postgres']))
    chownSync(folder, uid, uid)
    asUser.uid = uid
  }
  const port = await freePort()
  const data = join(folder, 'data')
  const run = async (program: string, ...parameters: string[]): Promise<void> => {
    const [status] = await once(spawn(join(bin, program), parameters, { ...asUser, cwd: folder }), 'exit')
    if (status !== 0) throw new Error(`${program} ended with ${status}`)
  }
  await run('initdb', '-D', data, '-U', 'spillway', '-A', 'trust', '--no-sync')
  const options = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${folder}`
  const start = (): Promise<void> =>
    run('pg_ctl', '-D', data, '-o', options, '-l', join(folder, 'log'), '-w', 'start')
  let isFrozen = false
  const pid = (): number => Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0])
  const signal = (name: 'SIGSTOP' | 'SIGCONT'): void => {
    const server = pid()
    // First the one that would start others.
    process.kill(server, name)
    isFrozen = name === 'SIGSTOP'
    const { stdout } = spawnSync('pgrep', ['-P', String(server)], { encoding: 'utf8' })
    for (const pid of stdout.split('\n').filter(Boolean)) {
      try {
        process.kill(Number(pid), name)
      } catch {
        // It has ended meanwhile.
      }
    }
  }
  const thaw = (): void => {
    if (isFrozen) signal('SIGCONT')
  }
  const stop = async (): Promise<void> => {
    thaw()
    await run('pg_ctl', '-D', data, '-m', 'immediate', '-w', 'stop')
  }
  await start()
  const url = `postgres://spillway@127.0.0.1:${port}/postgres`
  return {
    url,
    pid,
    start,
    stop,
    freeze: () => signal('SIGSTOP'),
    thaw,
    async remove() {
      await stop()
      rmSync(folder, { recursive: true, maxRetries: 9 })
    },
    async database(name) {
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      await client.query(`create database "${name}"`)
      await client.end()
      return url.replace(/[^/]*$/, name)
    },
  }
}
