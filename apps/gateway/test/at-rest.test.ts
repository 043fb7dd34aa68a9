import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { startClaude } from '@spillway/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { stringify } from 'yaml'
import { configOf, forThisTest, ownKey, targetAt, temporaryFolder } from './gateway.ts'
import { messages, send } from './raw-client.ts'

const cli = new URL('../src/cli.ts', import.meta.url).href

interface Run {
  readonly child: ChildProcess
  text(): { stdout: string; stderr: string }
  readonly exit: Promise<number | null>
}

/** Runs the command line from its sources in a folder, with a umask that takes nothing away. */
function spillway(cwd: string, ...words: string[]): Run {
  const source = `import { run } from ${JSON.stringify(cli)}; await run(['node', 'spillway', ...process.argv.slice(1)])`
  const flags = ['--conditions=@spillway/source', '--input-type=module', '-e', source, '--']
  const child = spawn('sh', ['-c', 'umask 000; exec "$0" "$@"', process.execPath, ...flags, ...words], {
    cwd,
    env: { ...process.env, SPILLWAY_TEST_KEY: ownKey.value },
  })
  const text = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].on('data', (piece) => {
      text[name] += piece
    })
  onTestFinished(() => void child.kill('SIGKILL'))
  const exit = new Promise<number | null>((resolve) => child.on('close', (code) => resolve(code)))
  return { child, text: () => text, exit }
}

/** Everything below a folder, and what others may do with it. */
function openTo(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
  return Object.fromEntries(
    names.map((name) => [name, (statSync(join(folder, name)).mode & 0o777).toString(8)]),
  )
}

/** Starts a gateway in the folder, in front of a simulated Claude. */
async function start(folder: string, storage: object): Promise<Run> {
  const claude = forThisTest(await startClaude())
  const config = configOf(targetAt(claude, 'anthropic'), undefined, { storage })
  writeFileSync(join(folder, 'spillway.yaml'), stringify(config), { mode: 0o600 })
  return spillway(folder, 'start', '--config', 'spillway.yaml', '--port', '0')
}

const ready = /^listening on (\S+)$/m

async function started(folder: string, storage: object): Promise<Run & { url: string }> {
  const run = await start(folder, storage)
  await vi.waitFor(() => expect(run.text().stdout + run.text().stderr).toMatch(ready), 20_000)
  return { ...run, url: ready.exec(run.text().stdout)?.[1] ?? '' }
}

describe.skipIf(process.platform === 'win32')('what lies on disk', { timeout: 60_000 }, () => {
  it('is for its owner alone: database, its log, journals, whatever the umask', async () => {
    const folder = temporaryFolder()
    const run = await started(folder, { url: 'sqlite:ledger.db' })
    await vi.waitFor(() => expect(readdirSync(folder)).toContain('ledger.db-wal'), 10_000)
    // While another process holds the database, rows and entries wait in the journals.
    const other = new DatabaseSync(join(folder, 'ledger.db'))
    await vi.waitFor(() => other.exec('begin exclusive'), 10_000)
    await send(`${run.url}/v1/messages`, { body: messages() })
    const waiting = (): string[] =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.jsonl'))
    await vi.waitFor(() => expect(waiting().length).toBeGreaterThanOrEqual(2), 15_000)
    const modes = openTo(folder)
    expect(Object.keys(modes)).toEqual(
      expect.arrayContaining(['ledger.db', 'ledger.db-shm', 'ledger.db-wal', 'ledger.db.waiting/audit']),
    )
    for (const [name, mode] of Object.entries(modes))
      expect([name, mode]).toEqual([name, statSync(join(folder, name)).isDirectory() ? '700' : '600'])
    other.close()
    run.child.kill('SIGTERM')
    expect(await run.exit).toBe(0)
    expect(run.text().stderr).not.toContain('was open to others')
  })

  it('and was open to others before is closed, and the log says so', async () => {
    const folder = temporaryFolder()
    new DatabaseSync(join(folder, 'ledger.db')).close()
    chmodSync(join(folder, 'ledger.db'), 0o644)
    mkdirSync(join(folder, 'journal'))
    chmodSync(join(folder, 'journal'), 0o755)
    const run = await started(folder, { url: 'sqlite:ledger.db', journal: 'journal' })
    expect(openTo(folder)).toMatchObject({ 'ledger.db': '600', journal: '700', 'journal/audit': '700' })
    const lines = run
      .text()
      .stderr.split('\n')
      .filter((line) => line.includes('was open to others'))
    expect(lines.map((line) => relative(folder, line.replace(/^\S+ \S+ {2}(.*) was open .*/, '$1')))).toEqual(
      ['ledger.db', 'journal'],
    )
    run.child.kill('SIGTERM')
    expect(await run.exit).toBe(0)
  })

  it.each(['ledger.db', 'journal'])('is refused where anyone can replace it: %s', async (what) => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'shared'))
    chmodSync(join(folder, 'shared'), 0o777)
    const storage =
      what === 'journal'
        ? { url: 'sqlite:ledger.db', journal: 'shared/journal' }
        : { url: 'sqlite:shared/ledger.db', journal: 'journal' }
    const run = await start(folder, storage)
    expect(await run.exit).toBe(1)
    expect(run.text().stderr).toMatch(
      /the gateway could not start: others can write in \S+shared \(mode 0777\)/,
    )
    expect(run.text().stderr).toContain('run chmod o-w')
  })
})
