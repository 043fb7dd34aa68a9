import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@spillway/testing'
import { onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import { ownKey, temporaryFolder } from './gateway.ts'
import { plainEnvironment, program, until } from './spillway.ts'

/** A gateway whose output a shell has redirected. */
export interface Redirected {
  readonly url: string
  readonly pid: number
  readonly folder: string
  /** The text of a file that the command line named. */
  file(name: string): string
  /** The process id that a part of the command line has written to a file. */
  pidIn(name: string): number
  signal(name: NodeJS.Signals): void
  /** The exit code of the gateway. */
  readonly exit: Promise<number>
}

/** Notes its own process id in a file, and becomes the command that follows. */
export const noting = (file: string): string => `sh -c 'echo $$ > ${file}; exec "$0" "$@"'`

/**
 * Starts a gateway from a real shell, in a folder of the test.
 * @param redirect what the shell is told; `GATEWAY` stands for the command that runs the gateway
 */
export async function redirected(config: object, redirect: string): Promise<Redirected> {
  const folder = temporaryFolder()
  const path = (name: string): string => join(folder, name)
  const file = (name: string): string => (existsSync(path(name)) ? readFileSync(path(name), 'utf8') : '')
  writeFileSync(path('spillway.yaml'), stringify(config))
  const port = await freePort()
  const gateway = `${process.execPath} ${program} start --config spillway.yaml --port ${port}`
  writeFileSync(path('gateway.sh'), `${noting('pid')} ${gateway}\necho $? > code\n`)
  const command = redirect.replace('GATEWAY', 'sh gateway.sh')
  const shell = spawn('sh', ['-c', command], {
    cwd: folder,
    env: { ...plainEnvironment(), SPILLWAY_TEST_KEY: ownKey.value },
    // Of its own group, so that nothing of it outlives the test.
    detached: true,
    stdio: 'ignore',
  })
  onTestFinished(() => {
    try {
      process.kill(-(shell.pid as number), 'SIGKILL')
    } catch {
      // All of it has ended.
    }
  })
  const url = `http://127.0.0.1:${port}`
  await until(() => file('pid') !== '')
  const pid = Number(file('pid'))
  const isUp = (): Promise<boolean> =>
    fetch(`${url}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    )
  for (const deadline = performance.now() + 30_000; !(await isUp()); ) {
    if (performance.now() > deadline) throw new Error('the gateway does not listen')
  }
  const exit = (async () => {
    await until(() => file('code') !== '', 60_000)
    return Number(file('code'))
  })()
  exit.catch(() => {})
  return {
    url,
    pid,
    folder,
    file,
    pidIn: (name) => Number(file(name)),
    signal: (name) => void process.kill(pid, name),
    exit,
  }
}
