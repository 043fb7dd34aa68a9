import { execFileSync, type SpawnOptions, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'

/** A real PostgreSQL, on a free port of 127.0.0.1, for this process alone. */
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
  /** Makes an empty database beside the first one, and gives its URL. */
  database(name: string): Promise<string>
  /** Stops it for good, and removes its data. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** The folder of PostgreSQL's programs: that of the newest version on Debian, else of `pg_config`. */
function programs(): string | undefined {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
  const configured = spawnSync('pg_config', ['--bindir'], { encoding: 'utf8' })
  const folders = [
    ...versions.map((version) => join(debian, version, 'bin')),
    configured.stdout?.trim() ?? '',
  ]
  return folders.find((folder) => folder !== '' && existsSync(join(folder, 'initdb')))
}

/** Whether PostgreSQL is installed on this machine. */
export function hasPostgres(): boolean {
  return programs() !== undefined
}

/**
 * Starts a {@link PrivatePostgres}. Takes some seconds.
 * @throws Error when PostgreSQL is not installed or does not start
 */
export async function startPostgres(): Promise<PrivatePostgres> {
  const bin = programs()
  if (bin === undefined) throw new Error('PostgreSQL is not installed; on Debian: apt-get install postgresql')
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
  const options = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${folder}`
  const start = (): Promise<void> =>
    run('pg_ctl', '-D', data, '-o', options, '-l', join(folder, 'log'), '-w', 'start')
  const pid = (): number => Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0])
  let isFrozen = false
  const signal = (name: 'SIGSTOP' | 'SIGCONT'): void => {
    const server = pid()
    // First the one that would start others.
    process.kill(server, name)
    isFrozen = name === 'SIGSTOP'
    const { stdout } = spawnSync('pgrep', ['-P', String(server)], { encoding: 'utf8' })
    for (const child of stdout.split('\n').filter(Boolean)) {
      try {
        process.kill(Number(child), name)
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
  const close = async (): Promise<void> => {
    if (existsSync(join(data, 'postmaster.pid'))) await stop()
    await rm(folder, { recursive: true, force: true, maxRetries: 9 })
  }
  try {
    await run('initdb', '-D', data, '-U', 'spillway', '-A', 'trust', '--no-sync')
    await start()
  } catch (error) {
    await close().catch(() => {})
    throw error
  }
  const url = `postgres://spillway@127.0.0.1:${port}/postgres`
  return {
    url,
    pid,
    start,
    stop,
    freeze: () => signal('SIGSTOP'),
    thaw,
    async database(name) {
      await run('createdb', '-h', '127.0.0.1', '-p', String(port), '-U', 'spillway', name)
      return url.replace(/[^/]*$/, name)
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
