import { execFile } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startClaude, startOpenRouter } from '@spillway/testing'
import { beforeAll, describe, expect, test } from 'vitest'
import { configOf, forThisTest, gatewayOf, targetAt, temporaryFolder } from './gateway.ts'
import { installClaudeCode } from './install-claude-code.ts'
import { chat, messages, send } from './raw-client.ts'
import { configFile, plainEnvironment, type Run, ready, spillway, started, until } from './spillway.ts'

// These tests start the built program: `pnpm build` comes first. Each line is run as it is printed, by a real shell.

const execute = promisify(execFile)

/** What a run has printed to be pasted, by the first word of its title. */
function pasteable(text: string): Record<string, string> {
  const lines = [...text.matchAll(/^(\S.*):\n {2}(\S.*)$/gm)]
  return Object.fromEntries(lines.map(([, title = '', line = '']) => [title.split(/[ ,]/)[0], line]))
}

interface Shell {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Runs a line in a shell that knows nothing of this process's user and keys. */
async function paste(line: string, { cwd = temporaryFolder(), env = {} }: Shell = {}): Promise<string> {
  const running = execute('sh', ['-c', line], {
    cwd,
    env: { ...plainEnvironment(), HOME: cwd, ...env },
    timeout: 110_000,
  })
  running.child.stdin?.end()
  return (await running).stdout
}

/** A folder with the packages that a program of a user's own would have. */
function projectFolder(): string {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'node_modules', '@anthropic-ai'), { recursive: true })
  for (const name of ['openai', '@anthropic-ai/sdk']) {
    symlinkSync(
      fileURLToPath(new URL(`../node_modules/${name}`, import.meta.url)),
      join(folder, 'node_modules', name),
    )
  }
  return folder
}

/** Runs a program around a printed line. */
async function program(line: string, before: string, after: string, env = {}): Promise<string> {
  const cwd = projectFolder()
  writeFileSync(join(cwd, 'program.mjs'), [before, line, after].join('\n'))
  return paste(`${process.execPath} program.mjs`, { cwd, env })
}

const useAnthropic = (line: string, model: string, env = {}): Promise<string> =>
  program(
    line,
    "import Anthropic from '@anthropic-ai/sdk'",
    `const message = await anthropic.messages.create({ model: '${model}', max_tokens: 64,
       messages: [{ role: 'user', content: 'Are you there?' }] })
     console.log(message.content[0].text)`,
    env,
  )

const useOpenAi = (line: string, model: string, env = {}): Promise<string> =>
  program(
    line,
    "import OpenAI from 'openai'",
    `const answer = await openai.chat.completions.create({ model: '${model}',
       messages: [{ role: 'user', content: 'Are you there?' }] })
     console.log(answer.choices[0].message.content)`,
    env,
  )

/** A gateway before a simulated Claude that takes these keys only. */
async function beforeClaude(more: object = {}, apiKeys?: readonly string[]): Promise<Record<string, string>> {
  const claude = forThisTest(
    await startClaude({ reply: { text: 'Yes, I am.' }, ...(apiKeys && { apiKeys }) }),
  )
  const { stderr } = await started(configOf(targetAt(claude, 'anthropic', more)))
  return pasteable(stderr())
}

describe('the lines of start', { timeout: 60_000 }, () => {
  test('work with curl, and both SDKs, as printed', async () => {
    const lines = await beforeClaude()
    expect(await paste(lines.curl ?? '')).toContain('"text":"Yes, I am."')
    expect(await useAnthropic(lines['@anthropic-ai/sdk'] ?? '', 'claude-sonnet-5-5')).toBe('Yes, I am.\n')
    expect(await useOpenAi(lines.openai ?? '', 'claude-sonnet-5-5')).toBe('Yes, I am.\n')
    expect(await paste(`curl -s -H 'accept: text/html' ${lines.Dashboard}`)).toContain('<title>Spillway')
  })

  test('work with a key of the user’s own where callers bring theirs', async () => {
    const key = 'sk-ant-of-the-user'
    const claude = forThisTest(await startClaude({ reply: { text: 'Yes, I am.' }, apiKeys: [key] }))
    const target = { api: 'anthropic', endpoints: [{ url: claude.url, credential: 'caller' }] }
    const { stderr } = await started(configOf(target))
    const lines = pasteable(stderr())
    const env = { ANTHROPIC_API_KEY: key }
    expect(await paste(lines.curl ?? '', { env })).toContain('"text":"Yes, I am."')
    expect(await useAnthropic(lines['@anthropic-ai/sdk'] ?? '', 'claude-sonnet-5-5', env)).toBe(
      'Yes, I am.\n',
    )
    expect(await useOpenAi(lines.openai ?? '', 'claude-sonnet-5-5', env)).toBe('Yes, I am.\n')
  })

  test('ask for models that the routes serve, in whichever protocol', async () => {
    const router = forThisTest(await startOpenRouter({ reply: { text: 'Yes, I am.' } }))
    const target = targetAt(router, 'openai')
    const file = configFile({
      targets: { coder: target },
      routes: [{ models: 'gpt-*', target: 'coder' }],
    })
    const run = spillway(['start', '--config', file, '--port', '0'])
    await until(() => ready.test(run.stdout()))
    const lines = pasteable(run.stderr())
    expect(await paste(lines.curl ?? '')).toContain('"text":"Yes, I am."')
    expect(await useOpenAi(lines.openai ?? '', 'gpt-5')).toBe('Yes, I am.\n')
  })

  test('are left out with --quiet', async () => {
    const claude = forThisTest(await startClaude())
    const file = configFile(configOf(targetAt(claude, 'anthropic')))
    const run = spillway(['start', '--config', file, '--port', '0', '--quiet'])
    await until(() => ready.test(run.stdout()))
    expect([run.stdout().trim().split('\n').length, run.stderr()]).toEqual([1, ''])
  })

  test('of the quiet demo are one line', async () => {
    const run = spillway(['start', '--demo', '--port', '0', '--quiet'])
    await until(() => ready.test(run.stdout()))
    expect([run.stdout().trim().split('\n').length, run.stderr()]).toEqual([1, ''])
  })
})

describe('the lines of the demo', { timeout: 60_000 }, () => {
  test('work with curl and both SDKs, as printed', async () => {
    const run = spillway(['start', '--demo', '--port', '0'])
    await until(() => ready.test(run.stdout()), 30_000)
    const lines = pasteable(run.stdout())
    expect(await paste(lines.curl ?? '')).toContain('"type":"message"')
    expect(await useAnthropic(lines['@anthropic-ai/sdk'] ?? '', 'claude-sonnet-5-5')).toMatch(/\w/)
    expect(await useOpenAi(lines.openai ?? '', 'claude-sonnet-5-5')).toMatch(/\w/)
  })
})

describe('Claude Code, as printed,', { timeout: 120_000 }, () => {
  let launcher: string | undefined
  beforeAll(async () => {
    launcher = await installClaudeCode()
  }, 300_000)

  /** A home of its own, where `claude` asks one question instead of waiting for somebody to type. */
  async function asks(line: string, env = {}): Promise<{ result: string; is_error: boolean }> {
    const home = temporaryFolder()
    const bin = join(home, 'bin')
    mkdirSync(bin)
    const claude = `#!/bin/sh\nexec ${process.execPath} ${launcher} -p 'Say hello.' --output-format json "$@"\n`
    writeFileSync(join(bin, 'claude'), claude, { mode: 0o755 })
    const stdout = await paste(line, {
      cwd: home,
      env: {
        PATH: `${bin}:${process.env.PATH}`,
        CLAUDE_CONFIG_DIR: join(home, 'config'),
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
        CLAUDE_CODE_MAX_RETRIES: '0',
        DISABLE_AUTOUPDATER: '1',
        ...env,
      },
    })
    return JSON.parse(stdout)
  }

  test('needs no login where the gateway has the key', async ({ skip }) => {
    if (launcher === undefined) return skip()
    const lines = await beforeClaude()
    expect(await asks(lines.Claude ?? '')).toMatchObject({ result: 'Yes, I am.', is_error: false })
  })

  test('takes the key of its user where callers bring theirs', async ({ skip }) => {
    if (launcher === undefined) return skip()
    const key = 'sk-ant-of-the-user'
    const claude = forThisTest(await startClaude({ reply: { text: 'Yes, I am.' }, apiKeys: [key] }))
    const target = { api: 'anthropic', endpoints: [{ url: claude.url, credential: 'caller' }] }
    const { stderr } = await started(configOf(target))
    const answer = await asks(pasteable(stderr()).Claude ?? '', { ANTHROPIC_API_KEY: key })
    expect(answer).toMatchObject({ result: 'Yes, I am.', is_error: false })
  })

  test('asks for the model that the only route serves', async ({ skip }) => {
    if (launcher === undefined) return skip()
    const coder = forThisTest(await startOpenRouter({ reply: { text: 'Yes, I am.' } }))
    const file = configFile({
      targets: { coder: targetAt(coder, 'openai') },
      routes: [{ models: 'qwen3-coder', target: 'coder' }],
    })
    const run = spillway(['start', '--config', file, '--port', '0'])
    await until(() => ready.test(run.stdout()))
    const answer = await asks(pasteable(run.stderr()).Claude ?? '')
    expect(answer).toMatchObject({ result: 'Yes, I am.', is_error: false })
  })

  test('is answered by the demo, whatever its Claude goes through', async ({ skip }) => {
    if (launcher === undefined) return skip()
    const run: Run = spillway(['start', '--demo', '--port', '0'])
    // The worst moment: Claude is down, and the local model has to read the whole prompt.
    await until(() => run.stdout().includes('-- Claude is down'), 60_000)
    const { result, is_error } = await asks(pasteable(run.stdout()).Claude ?? '')
    expect([is_error, result.length > 0]).toEqual([false, true])
  })
})

describe('a client that is told too little or the wrong thing', () => {
  test('needs no anthropic-version; one that it sends reaches the upstream', async () => {
    const claude = forThisTest(await startClaude())
    const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic')))
    const post = (path: string, version?: string): Promise<Response> =>
      fetch(`${gateway.url}${path}`, {
        method: 'POST',
        headers: version === undefined ? {} : { 'anthropic-version': version },
        body: JSON.stringify(messages(path.endsWith('count_tokens') ? { max_tokens: undefined } : {})),
      })
    for (const path of ['/v1/messages', '/v1/messages/count_tokens']) {
      expect((await post(path)).status).toBe(200)
      expect((await post(path, '')).status).toBe(200)
      expect((await post(path, '2026-10-21')).status).toBe(200)
    }
    const versions = claude.requests.map(({ headers }) => headers['anthropic-version'])
    const each = ['2023-06-01', '2023-06-01', '2026-10-21']
    expect(versions).toEqual([...each, ...each])
  })

  test.each([
    ['/v1/v1/messages', messages(), 'error.message', ''],
    ['/v1/v1/chat/completions', chat(), 'error.message', '/v1'],
    ['/chat/completions', chat(), 'error.message', '/v1'],
    ['/api/v1/chat/completions', chat(), 'error.message', '/v1'],
  ])('and has its base URL wrong is told the right one: %s', async (path, body, at, base) => {
    const claude = forThisTest(await startClaude())
    const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic')))
    const { status, text } = await send(`${gateway.url}${path}`, { body })
    expect(status).toBe(404)
    expect(JSON.parse(text)).toHaveProperty(
      at,
      expect.stringContaining(`the base URL ${gateway.url}${base},`),
    )
    expect(claude.requests).toEqual([])
  })
})
