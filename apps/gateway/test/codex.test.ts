import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Reply, type ReplyToolUse, startClaude, startOpenAi } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import type { AnsweredCall } from '../src/index.ts'
import { configOf, forThisTest, gatewayOf, targetAt, temporaryFolder } from './gateway.ts'
import { installCodex } from './install-codex.ts'
import { expectCacheFound } from './marked-prefixes.ts'

// Runs the real Codex, which is not a dependency and speaks nothing but the Responses API.

const run = promisify(execFile)
const launcher = await installCodex()

interface Printed {
  readonly said: readonly string[]
  readonly errors: readonly string[]
}

/** Lets Codex do something in a folder; it knows nothing of this machine's user and settings. */
async function ask(gatewayUrl: string, prompt: string, folder: string): Promise<Printed> {
  const home = join(temporaryFolder(), 'codex')
  mkdirSync(home)
  writeFileSync(
    join(home, 'config.toml'),
    `model = "claude-sonnet-5"
model_provider = "spillway"
model_reasoning_effort = "high"
[model_providers.spillway]
name = "Spillway"
base_url = "${gatewayUrl}/v1"
env_key = "SPILLWAY_KEY"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
`,
  )
  const env = { PATH: process.env.PATH, HOME: home, CODEX_HOME: home, SPILLWAY_KEY: 'key-of-the-caller' }
  const flags = ['--json', '--skip-git-repo-check', '--dangerously-bypass-approvals-and-sandbox']
  const running = run(process.execPath, [launcher ?? '', 'exec', ...flags, prompt], {
    ...{ cwd: folder, env, timeout: 60_000 },
  })
  running.child.stdin?.end()
  const { stdout } = await running.catch((error: { stdout: string }) => error)
  const events = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map(
      (line) =>
        JSON.parse(line) as { type: string; message?: string; item?: { type: string; text?: string } },
    )
  return {
    said: events.flatMap(({ type, item }) =>
      type === 'item.completed' && item?.type === 'agent_message' ? [item.text ?? ''] : [],
    ),
    errors: events.flatMap(({ type, message }) => (type === 'error' ? [message ?? ''] : [])),
  }
}

const command = (cmd: string): ReplyToolUse[] => [{ name: 'exec_command', input: { cmd } }]

/** What the model says in turn, to edit a file. */
const steps: readonly Reply[] = [
  { thinking: 'I look first.', text: 'I read it first.', toolUse: command('cat greeting.txt') },
  { thinking: 'Only the first line.', toolUse: command("sed -i 's/dam/spillway/' greeting.txt") },
  { text: 'The spillway is greeted now.' },
]

interface Block {
  readonly type: string
  readonly thinking?: string
  readonly cache_control?: unknown
}

interface Turns {
  readonly messages: readonly { readonly role: string; readonly content: unknown }[]
}

const stepOf = ({ json }: { readonly json: unknown }): Reply => {
  const answers = (json as Turns).messages.filter(({ role }) => role === 'assistant').length
  return steps[answers] ?? { text: 'There is nothing left to do.' }
}

function greeting(): { folder: string; read: () => string } {
  const folder = realpathSync(temporaryFolder())
  const file = join(folder, 'greeting.txt')
  writeFileSync(file, 'Hello, dam.\nHow are you?\n')
  return { folder, read: () => readFileSync(file, 'utf8') }
}

const task = 'Greet the spillway instead of the dam, in greeting.txt.'
const done = { said: expect.arrayContaining(['The spillway is greeted now.']), errors: [] }

it.runIf(Boolean(process.env.CI))('Codex could be installed', () => {
  expect(launcher).toBeDefined()
})

describe.skipIf(launcher === undefined)('Codex', { timeout: 120_000 }, () => {
  it('reads and edits a file with Claude, whose thinking comes home and whose cache is used', async () => {
    const claude = forThisTest(
      await startClaude({ reply: stepOf, separateWrites: true, checkThinking: true }),
    )
    const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic')))
    const { folder, read } = greeting()
    expect(await ask(gateway.url, task, folder)).toMatchObject(done)
    expect(read()).toBe('Hello, spillway.\nHow are you?\n')
    const asked = claude.requests.filter(({ path }) => path.startsWith('/v1/messages'))
    expect(asked.map(({ status }) => status)).toEqual([200, 200, 200])
    const { messages } = (asked.at(-1)?.json ?? { messages: [] }) as Turns
    const blocks = messages.flatMap(({ content }) => (Array.isArray(content) ? content : [])) as Block[]
    expect(blocks.flatMap(({ type, thinking }) => (type === 'thinking' ? [thinking] : []))).toEqual([
      'I look first.',
      'Only the first line.',
    ])
    // The end of this turn, and of the one before, where Claude finds what it has written then.
    expect(blocks.filter(({ cache_control }) => cache_control !== undefined).map(({ type }) => type)).toEqual(
      ['tool_result', 'tool_result'],
    )
  })

  it('edits by patch, and finds in each of ten turns what the turn before has written into the cache of Claude', async () => {
    const patch = [
      "apply_patch <<'EOF'",
      '*** Begin Patch',
      '*** Update File: greeting.txt',
      '@@',
      '-Hello, dam.',
    ]
    const edit = [...patch, '+Hello, spillway.', '*** End Patch', 'EOF'].join('\n')
    const reply = ({ json }: { readonly json: unknown }): Reply => {
      const turn = (json as Turns).messages.filter(({ role }) => role === 'assistant').length
      if (turn === 9) return steps[2] as Reply
      const thought = { thinking: `Step ${turn}.` }
      return { ...thought, toolUse: command(turn === 0 ? edit : `echo ${turn}`) }
    }
    const claude = forThisTest(await startClaude({ reply, separateWrites: true, checkThinking: true }))
    const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic')))
    const { folder, read } = greeting()
    expect(await ask(gateway.url, task, folder)).toMatchObject(done)
    expect(read()).toBe('Hello, spillway.\nHow are you?\n')
    const asked = claude.requests.filter(({ path }) => path.startsWith('/v1/messages'))
    expect(asked.map(({ status }) => status)).toEqual(Array(10).fill(200))
    expectCacheFound(asked)
  })

  it('reads and edits a file when Claude is dead, with a model of chat completions', async () => {
    const claude = forThisTest(await startClaude())
    claude.always({ type: 'status', status: 529 })
    const coder = forThisTest(await startOpenAi({ reply: stepOf, separateWrites: true }))
    const calls: AnsweredCall[] = []
    const config = configOf(targetAt(claude, 'anthropic'), targetAt(coder, 'openai', { model: 'gpt-4o' }))
    const gateway = await gatewayOf(config, calls)
    const { folder, read } = greeting()
    expect(await ask(gateway.url, task, folder)).toMatchObject(done)
    expect(read()).toBe('Hello, spillway.\nHow are you?\n')
    expect(calls.map(({ response }) => response.target)).toEqual(['local', 'local', 'local'])
  })

  it('gets the rest of an answer from another target when its stream is cut in the middle', async () => {
    const claude = forThisTest(await startClaude({ reply: { text: 'One two three four five six seven.' } }))
    claude.always({ type: 'cut', at: 'after-content', how: 'reset', afterChunks: 3 })
    const other = forThisTest(await startClaude({ reply: { text: ' four five six seven.' } }))
    const config = configOf(targetAt(claude, 'anthropic'), targetAt(other, 'anthropic'), {
      fallback: { midStream: 'continue' },
    })
    const gateway = await gatewayOf(config)
    const { folder } = greeting()
    const { said, errors } = await ask(gateway.url, 'Count.', folder)
    expect(errors).toEqual([])
    expect(said.join('')).toMatch(/^One .* seven\.$/)
  })

  it('says in the words of the gateway that a budget is spent, after one call', async () => {
    const claude = forThisTest(await startClaude())
    const budgets = { eachClient: ['requests=0/month'], contact: 'ask in #claude-budgets' }
    const calls: AnsweredCall[] = []
    const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), undefined, { budgets }), calls)
    const { said, errors } = await ask(gateway.url, 'Count.', greeting().folder)
    expect(said).toEqual([])
    expect(errors).toEqual([
      expect.stringMatching(
        /^You.ve hit your usage limit\. this key has spent its budget of 0 requests a month, .*: ask in #claude-budgets, or try again later/,
      ),
    ])
    expect(calls.map(({ response }) => response.status)).toEqual([429])
    expect(claude.requests).toEqual([])
  })
})
