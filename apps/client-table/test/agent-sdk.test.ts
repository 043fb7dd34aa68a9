import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Options, query, type SDKUserMessage } from '@anthropic-ai/claude-agent-sdk'
import { expect, it, onTestFinished } from 'vitest'
import { configOf, gatewayOf, targetAt, temporaryFolder } from '../../gateway/test/gateway.ts'
import { installClaudeCode } from '../../gateway/test/install-claude-code.ts'
import { text } from '../src/answers.ts'
import { startUpstream, type Trouble, troubles } from '../src/upstream.ts'

// Runs the real Claude Code, which is not a dependency, as the Agent SDK does: in a separate process.

const launcher = await installClaudeCode()

/** Asks the same once in each trouble, in one session; resolves with the answers. */
async function askInEach(
  upstream: Awaited<ReturnType<typeof startUpstream>>,
  baseUrl: string,
  each: readonly Trouble[],
): Promise<string[]> {
  const home = temporaryFolder()
  const env = {
    ...{
      PATH: process.env.PATH ?? '',
      HOME: home,
      USERPROFILE: home,
      CLAUDE_CONFIG_DIR: join(home, 'config'),
    },
    ...{ ANTHROPIC_BASE_URL: baseUrl, ANTHROPIC_AUTH_TOKEN: 'token', CLAUDE_CODE_MAX_RETRIES: '0' },
    ...{ CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1', DISABLE_AUTOUPDATER: '1', DISABLE_TELEMETRY: '1' },
  }
  // The SDK's own binaries are of 380 MB; this one is shared with other tests, and started by its script.
  const spawnClaudeCodeProcess: Options['spawnClaudeCodeProcess'] = ({ args, cwd, env, signal }) =>
    spawn(process.execPath, [launcher ?? '', ...args.filter((each) => each !== launcher)], {
      ...{ cwd, env, signal },
      stdio: ['pipe', 'pipe', 'ignore'],
    })
  let answered = Promise.withResolvers<void>()
  async function* prompts(): AsyncGenerator<SDKUserMessage> {
    for (const trouble of each) {
      upstream.begin(trouble)
      answered = Promise.withResolvers()
      const message = { role: 'user' as const, content: 'Where does it go?' }
      yield { type: 'user', message, parent_tool_use_id: null, session_id: '' }
      await answered.promise
    }
  }
  const said: string[] = []
  const options = { pathToClaudeCodeExecutable: launcher ?? '', spawnClaudeCodeProcess, cwd: home, env }
  for await (const message of query({
    prompt: prompts(),
    options: { ...options, settingSources: [], tools: [] },
  })) {
    if (message.type !== 'result') continue
    said.push(message.subtype === 'success' ? message.result : message.subtype)
    answered.resolve()
  }
  return said
}

async function upstreamOfThisTest() {
  const upstream = await startUpstream('refuses twice')
  onTestFinished(() => upstream.close())
  return upstream
}

it.runIf(process.env.CI)('Claude Code could be installed', () => {
  expect(launcher).toBeDefined()
})

it.skipIf(launcher === undefined)(
  'the Agent SDK answers through every trouble behind the gateway',
  { timeout: 60_000 },
  async () => {
    const upstream = await upstreamOfThisTest()
    const timeouts = { firstContent: '400ms', idle: '400ms' }
    const more = { retry: { attempts: 4, baseDelay: '1ms' }, timeouts }
    const gateway = await gatewayOf(configOf(targetAt(upstream, 'anthropic'), undefined, more))
    expect(await askInEach(upstream, gateway.url, troubles)).toEqual([text, text, text])
  },
)

it.skipIf(launcher === undefined)(
  'the Agent SDK has an error to tell without it',
  { timeout: 60_000 },
  async () => {
    const upstream = await upstreamOfThisTest()
    await expect(askInEach(upstream, upstream.url, ['refuses twice'])).rejects.toThrow(/503/)
  },
)

it('the page of clients has the version that was tried', () => {
  const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')
  const manifest = read('../node_modules/@anthropic-ai/claude-agent-sdk/package.json')
  const { version } = JSON.parse(manifest) as { version: string }
  const row = /^\| `@anthropic-ai\/claude-agent-sdk` +\| ([\d.]+) /m.exec(read('../../../docs/clients.md'))
  expect(row?.[1]).toBe(version)
})
