import { spawnSync } from 'node:child_process'
import { startClaude, startOpenRouter } from '@spillway/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { configOf, forThisTest, gatewayOf, targetAt } from './gateway.ts'
import { installClaudeCode } from './install-claude-code.ts'
import { installCodex } from './install-codex.ts'
import {
  askClaudeCode,
  askCodex,
  paste,
  pasteable,
  useAnthropic,
  useOpenAi,
  usePython,
} from './printed-lines.ts'
import { chat, messages, send } from './raw-client.ts'
import { configFile, ready, spillway, started, until } from './spillway.ts'

// These tests start the built program: `pnpm build` comes first. Each line is run as it is printed, by a real shell.

const noPython = spawnSync('python3', ['--version']).status !== 0

/** A gateway before a simulated Claude that takes these keys only. */
async function beforeClaude(more: object = {}, apiKeys?: readonly string[]): Promise<Record<string, string>> {
  const claude = forThisTest(
    await startClaude({ reply: { text: 'Yes, I am.' }, ...(apiKeys && { apiKeys }) }),
  )
  const { stderr } = await started(configOf(targetAt(claude, 'anthropic', more)))
  return pasteable(stderr())
}

describe('the lines of start', { timeout: 60_000 }, () => {
  it('work with curl, and both SDKs, as printed', async () => {
    const lines = await beforeClaude()
    expect(await paste(lines.curl ?? '')).toContain('"text":"Yes, I am."')
    expect(await useAnthropic(lines['@anthropic-ai/sdk'] ?? '', 'claude-sonnet-5-5')).toBe('Yes, I am.\n')
    expect(await useOpenAi(lines.openai ?? '', 'claude-sonnet-5-5')).toBe('Yes, I am.\n')
    expect(await paste(`curl -s -H 'accept: text/html' ${lines.Dashboard}`)).toContain('<title>Spillway')
  })

  it.skipIf(noPython)('work with Python, as printed', async () => {
    const lines = await beforeClaude()
    expect(await usePython(lines.anthropic ?? '', 'claude-sonnet-5-5')).toBe('Yes, I am.\n')
  })

  it('work with a key of the user’s own where callers bring theirs', async () => {
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

  it('ask for models that the routes serve, in whichever protocol', async () => {
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

  it('are left out with --quiet', async () => {
    const claude = forThisTest(await startClaude())
    const file = configFile(configOf(targetAt(claude, 'anthropic')))
    const run = spillway(['start', '--config', file, '--port', '0', '--quiet'])
    await until(() => ready.test(run.stdout()))
    expect([run.stdout().trim().split('\n').length, run.stderr()]).toEqual([1, ''])
  })

  it('of the quiet demo are one line', async () => {
    const run = spillway(['start', '--demo', '--port', '0', '--quiet'])
    await until(() => ready.test(run.stdout()))
    expect([run.stdout().trim().split('\n').length, run.stderr()]).toEqual([1, ''])
  })
})

describe('Claude Code, as printed,', { timeout: 120_000 }, () => {
  let launcher: string | undefined
  beforeAll(async () => {
    launcher = await installClaudeCode()
  }, 300_000)

  it('needs no login where the gateway has the key', async ({ skip }) => {
    if (launcher === undefined) return skip()
    const lines = await beforeClaude()
    expect(await askClaudeCode(launcher, lines.Claude ?? '')).toMatchObject({
      result: 'Yes, I am.',
      is_error: false,
    })
  })

  it('takes the key of its user where callers bring theirs', async ({ skip }) => {
    if (launcher === undefined) return skip()
    const key = 'sk-ant-of-the-user'
    const claude = forThisTest(await startClaude({ reply: { text: 'Yes, I am.' }, apiKeys: [key] }))
    const target = { api: 'anthropic', endpoints: [{ url: claude.url, credential: 'caller' }] }
    const { stderr } = await started(configOf(target))
    const answer = await askClaudeCode(launcher, pasteable(stderr()).Claude ?? '', { ANTHROPIC_API_KEY: key })
    expect(answer).toMatchObject({ result: 'Yes, I am.', is_error: false })
  })

  it('asks for the model that the only route serves', async ({ skip }) => {
    if (launcher === undefined) return skip()
    const coder = forThisTest(await startOpenRouter({ reply: { text: 'Yes, I am.' } }))
    const file = configFile({
      targets: { coder: targetAt(coder, 'openai') },
      routes: [{ models: 'qwen3-coder', target: 'coder' }],
    })
    const run = spillway(['start', '--config', file, '--port', '0'])
    await until(() => ready.test(run.stdout()))
    const answer = await askClaudeCode(launcher, pasteable(run.stderr()).Claude ?? '')
    expect(answer).toMatchObject({ result: 'Yes, I am.', is_error: false })
  })
})

describe('Codex, as printed,', { timeout: 120_000 }, () => {
  let launcher: string | undefined
  beforeAll(async () => {
    launcher = await installCodex()
  }, 300_000)

  it('is answered by Claude, with the key of the gateway', async ({ skip }) => {
    if (launcher === undefined) return skip()
    const { Codex = '' } = await beforeClaude()
    expect(await askCodex(launcher, Codex)).toContain('"text":"Yes, I am."')
  })

  it('is answered with the key of its user where callers bring theirs', async ({ skip }) => {
    if (launcher === undefined) return skip()
    const key = 'sk-ant-of-the-user'
    const claude = forThisTest(await startClaude({ reply: { text: 'Yes, I am.' }, apiKeys: [key] }))
    const target = { api: 'anthropic', endpoints: [{ url: claude.url, credential: 'caller' }] }
    const { stderr } = await started(configOf(target))
    const { Codex = '' } = pasteable(stderr())
    expect(await askCodex(launcher, Codex, { ANTHROPIC_API_KEY: key })).toContain('"text":"Yes, I am."')
  })
})

describe('a client that is told too little or the wrong thing', () => {
  it('needs no anthropic-version; one that it sends reaches the upstream', async () => {
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

  it.each([
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
