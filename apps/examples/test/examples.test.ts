import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseConfig } from '@spillway/gateway'
import { tinyGguf } from '@spillway/local-model'
import { type SimulatedServer, startClaude, startOpenRouter } from '@spillway/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { outputOf } from './example-output.ts'

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

const run = (name: string): Promise<string> =>
  outputOf(name, {
    places: { 'https://api.anthropic.com': claude.url, 'https://openrouter.ai': openrouter.url },
    cwd: directory,
  })

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
