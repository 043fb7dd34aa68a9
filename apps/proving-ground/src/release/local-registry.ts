import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '@spillway/testing'
import { runCommand } from '../run-command.ts'

/** A registry of this machine that takes packages, and has all others from the registry that npm is configured with. */
export interface LocalRegistry {
  readonly url: string
  /** For `.npmrc` of those who publish. */
  readonly credentials: string
  close(): Promise<void>
}

/** Verdaccio asks for `node-fetch@cjs`, a tag that not every registry has. */
const dependencies = { dependencies: { verdaccio: '^6' }, overrides: { 'node-fetch': '2.7.0' } }

/** How long it may take to start, in milliseconds. */
const longestStart = 60_000

/**
 * Starts Verdaccio, which is installed into `folder`.
 * @throws Error when it cannot be installed or does not start
 */
export async function startRegistry(folder: string): Promise<LocalRegistry> {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, ...dependencies }))
  await runCommand('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder })
  const upstream = (await runCommand('npm', ['config', 'get', 'registry'], { cwd: folder })).trim()
  const config = {
    ...{ storage: join(folder, 'storage'), auth: { htpasswd: { file: join(folder, 'htpasswd') } } },
    uplinks: { upstream: { url: upstream } },
    packages: {
      '@spillway/*': { access: '$all', publish: '$authenticated' },
      '**': { access: '$all', proxy: 'upstream' },
    },
    max_body_size: '100mb',
    log: { type: 'stdout', format: 'json', level: 'warn' },
  }
  // JSON is YAML.
  writeFileSync(join(folder, 'config.yaml'), JSON.stringify(config))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const program = join(folder, 'node_modules/verdaccio/bin/verdaccio')
  const listen = ['--config', join(folder, 'config.yaml'), '--listen', `127.0.0.1:${port}`]
  const child = spawn(process.execPath, [program, ...listen], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (piece: string) => {
      said = (said + piece).slice(-5_000)
    })
  const exited = once(child, 'exit')
  const isUp = (): Promise<boolean> =>
    fetch(`${url}/-/ping`).then(
      ({ ok }) => ok,
      () => false,
    )
  for (let waited = 0; !(await isUp()); waited += 100) {
    if (child.exitCode !== null || waited > longestStart) throw new Error(`Verdaccio did not start:\n${said}`)
    await delay(100)
  }
  const close = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exited
  }
  try {
    const token = await register(url)
    return { url, credentials: `//127.0.0.1:${port}/:_authToken=${token}\n`, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Makes a user, as `npm adduser` does. */
async function register(url: string): Promise<string> {
  const user = { name: 'releaser', password: crypto.randomUUID(), type: 'user', roles: [] }
  const response = await fetch(`${url}/-/user/org.couchdb.user:${user.name}`, {
    ...{ method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify(user) },
  })
  const { token } = (await response.json()) as { readonly token?: string }
  if (token === undefined) throw new Error(`Verdaccio made no user: ${response.status}`)
  return token
}
