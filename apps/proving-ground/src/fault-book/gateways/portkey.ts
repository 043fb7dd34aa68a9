import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '@spillway/testing'
import { attempts, limits } from '../limits.ts'
import type { PreparedRow } from '../upstreams.ts'
import type { GatewayAdapter } from './gateway.ts'

const release = '1.15.2'
const folder = join(tmpdir(), `fault-book-portkey-${release}`)
const packageFolder = join(folder, 'node_modules/@portkey-ai/gateway')

/** What Spillway repeats, and what it hands to a fallback, by status; Portkey's own lists are other ones. */
const repeated = [409, 429, 500, 502, 503, 529]
const timeouts = [408, 504, 524]
const callersRight = [401, 402, 403, 404]

/**
 * This release appends to the headers of streamed responses, which `fetch` makes immutable: each stream would be a 500.
 * With headers that can be changed its streams work.
 */
const mutableHeaders = `
const { fetch: fetched, Response: Native } = globalThis
globalThis.fetch = async (...args) => {
  const response = await fetched(...args)
  const { status, statusText, headers } = response
  return new Native(response.body, { status, statusText, headers: new Headers(headers) })
}`

/** Portkey's gateway from npm, installed on demand and told by headers what to do with each call. */
export function portkey(): GatewayAdapter {
  return {
    name: 'Portkey',
    version: release,
    note:
      `From npm, on Node ${process.version.slice(1)}, told by \`x-portkey-config\`: ${attempts - 1} retries and the strategy ` +
      'fallback on the same statuses as Spillway, `use_retry_after_header`, `request_timeout` of ' +
      `${limits.headers} ms. It knows no limit for a whole call, the first content or silence, and waits a second before ` +
      'a retry; with that header heeded, a final 429 without it becomes a 500. Its streams are a 500 on current Node, since it appends to immutable headers; the book gives it ' +
      'headers that can be changed.',
    isSpillway: false,
    lanes: 10,
    serves: ({ shape }) => shape.at === undefined,
    async start() {
      install()
      const port = await freePort()
      const stop = await run(port)
      return {
        urlFor: () => `http://127.0.0.1:${port}`,
        headersFor: (prepared) => ({ 'x-portkey-config': JSON.stringify(configOf(prepared)) }),
        stop,
      }
    },
  }
}

/** As close to the policies of the book as its configuration comes; a timeout goes to a fallback at once. */
function retryOf(hasFallback: boolean): object {
  return {
    attempts: attempts - 1,
    on_status_codes: hasFallback ? repeated : [...repeated, ...timeouts],
    use_retry_after_header: true,
  }
}

function configOf({ row, firstUrl, second }: PreparedRow): object {
  const target = (url: string, hasFallback: boolean): object => ({
    provider: row.shape.api === 'anthropic' ? 'anthropic' : 'openai',
    custom_host: `${url}/v1`,
    api_key: 'sk-fault-book',
    retry: retryOf(hasFallback),
    request_timeout: row.attemptLimit ?? limits.headers,
  })
  if (row.fallback === undefined) return target(firstUrl, false)
  const strategy = { mode: 'fallback', on_status_codes: [...callersRight, ...repeated, ...timeouts] }
  return { strategy, targets: [target(firstUrl, true), target(second.url, false)] }
}

function install(): void {
  if (existsSync(join(packageFolder, 'build/start-server.js'))) return
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  const args = ['install', '--no-audit', '--no-fund', `@portkey-ai/gateway@${release}`]
  const { status, stderr } = spawnSync('npm', args, { cwd: folder, encoding: 'utf8' })
  if (status !== 0) throw new Error(`Portkey could not be installed: ${stderr}`)
}

async function run(port: number): Promise<() => Promise<void>> {
  const { bin } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as { bin: string }
  const preload = `data:text/javascript,${encodeURIComponent(mutableHeaders)}`
  const args = ['--import', preload, join(packageFolder, bin), `--port=${port}`, '--headless']
  const child = spawn(process.execPath, args, { stdio: 'ignore', cwd: packageFolder })
  const exited = once(child, 'exit')
  for (let tries = 0; ; tries++) {
    const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined)
    if (answer !== undefined) break
    if (tries > 150) throw new Error('Portkey does not answer')
    await delay(100)
  }
  return async () => {
    child.kill('SIGKILL')
    await exited
  }
}
