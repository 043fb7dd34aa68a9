import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { parseConfig } from '@spillway/gateway'
import { tinyGguf } from '@spillway/local-model'
import { type SimulatedServer, startClaude, startOpenRouter } from '@spillway/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'

const sources = new URL('../src/', import.meta.url)
let claude: SimulatedServer
let openrouter: SimulatedServer
let directory: string

beforeEach(async () => {
  claude = await startClaude({ reply: { text: 'Claude says hello.' } })
  openrouter = await startOpenRouter({ reply: { text: 'OpenRouter says hello.' } })
  directory = await mkdtemp(join(tmpdir(), 'spillway-examples-'))
})

afterEach(async () => {
  await Promise.all([claude.close(), openrouter.close(), rm(directory, { recursive: true })])
})

/** Runs an example as its reader would, with the vendors' addresses replaced by those of the simulated ones. */
async function run(name: string): Promise<string> {
  const redirect = `data:text/javascript,${encodeURIComponent(`
    const places = ${JSON.stringify({
      'https://api.anthropic.com': claude.url,
      'https://openrouter.ai': openrouter.url,
    })}
    const moved = (url) => Object.entries(places).reduce((to, [from, place]) => to.replace(from, place), String(url))
    const { fetch: original, URL: Original } = globalThis
    globalThis.fetch = (url, init) => original(moved(url), init)
    globalThis.URL = class extends Original { constructor(url, base) { super(moved(url), base) } }
  `)}`
  const { PATH, NODE_COMPILE_CACHE } = process.env
  const child = spawn(
    process.execPath,
    ['--conditions=@spillway/source', '--import', redirect, new URL(name, sources).pathname],
    {
      cwd: directory,
      env: { PATH, NODE_COMPILE_CACHE, ANTHROPIC_API_KEY: 'sk-test', OPENROUTER_API_KEY: 'sk-or-test' },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const output = await text(child.stdout)
  expect(child.exitCode ?? 0).toBe(0)
  return output
}

it('a-la-carte.ts gets its answer from Claude, and from the local model when Claude is down', async () => {
  await writeFile(join(directory, 'model.gguf'), tinyGguf({ reply: 'The local model says hello.' }))
  expect(await run('a-la-carte.ts')).toContain('Claude says hello.')
  claude.always({ type: 'status', status: 529 })
  expect(await run('a-la-carte.ts')).toContain('The local model says hello.')
})

it('custom-chain.ts streams from Claude, and from OpenRouter when Claude is down', async () => {
  expect(await run('custom-chain.ts')).toContain('Claude says hello.')
  claude.always({ type: 'reset' })
  const output = await run('custom-chain.ts')
  expect(output).toContain('anthropic connection')
  expect(output).toContain('OpenRouter says hello.')
})

it('gateway.yaml is valid', async () => {
  const { config } = parseConfig(await readFile(new URL('gateway.yaml', sources), 'utf8'), 'gateway.yaml')
  expect(config.routes[0]).toMatchObject({ target: 'claude', fallback: ['local'] })
})
