import { mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Fault, type Reply, startClaude } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import type { AnsweredCall } from '../src/index.ts'
import { clientsOf } from './clients.ts'
import { configOf, forThisTest, gatewayOf, targetAt, temporaryFolder } from './gateway.ts'
import { type ChatRequest, claudeCode, hasResult, steps } from './run-claude-code.ts'
import { hasTerminal, openTerminal } from './terminal.ts'

// Runs the real Claude Code with the key of a client.

const mustRun = Boolean(process.env.CI)
const { isHere, ask, launcher, environmentOf } = await claudeCode()

it.runIf(mustRun)('Claude Code could be installed', () => {
  expect(isHere).toBe(true)
})

const model = 'claude-opus-5-5'

/** Signed in at a gateway, as far as the environment can say it: only then it shows what a gateway says of budgets. */
const signedIn = (url: string, key: string | undefined): Record<string, string> => ({
  CLAUDE_CODE_USE_GATEWAY: '1',
  ANTHROPIC_BASE_URL: url,
  ANTHROPIC_AUTH_TOKEN: key ?? '',
})

/** $2 for each answer: 500,000 tokens of input at $4 for a million. */
const twoDollars = { inputTokens: 500_000, outputTokens: 0 }

/** A gateway whose client has used $8.20 of $10 a month. */
async function nearlySpent(reply: (request: ChatRequest) => Reply) {
  const claude = forThisTest(
    await startClaude({
      reply: ({ json }) => {
        const request = json as ChatRequest & { readonly max_tokens: number }
        if (request.max_tokens === 1) return { usage: { inputTokens: 2_050_000, outputTokens: 0 } }
        return { ...reply(request), usage: twoDollars }
      },
    }),
  )
  const limit = { unit: 'usd', period: 'month', amount: 10e9, hard: true } as const
  const clients = await clientsOf({ coder: { permissions: ['claude:code'], limits: [limit] } })
  const calls: AnsweredCall[] = []
  const budgets = { contact: 'ask in #claude-budgets' }
  const config = configOf(targetAt(claude, 'anthropic'), undefined, { server: clients.server, budgets })
  const gateway = await gatewayOf(config, calls)
  const body = { model, max_tokens: 1, messages: [{ role: 'user', content: 'Hi' }] }
  await fetch(`${gateway.url}/v1/messages`, {
    ...{ method: 'POST', body: JSON.stringify(body), headers: { 'x-api-key': clients.keys.coder ?? '' } },
  })
  calls.length = 0
  return { url: gateway.url, key: clients.keys.coder, calls, claude }
}

describe.skipIf(!isHere)('Claude Code with the key of a client', { timeout: 120_000 }, () => {
  it('finishes a task with tools while each turn meets 429, 529, a stall and a cut', async () => {
    const home = realpathSync(temporaryFolder())
    const file = join(home, 'greeting.txt')
    writeFileSync(file, 'Hello, dam.\n')
    const faults: (Fault | undefined)[] = [
      { type: 'status', status: 429, retryAfter: 0 },
      { type: 'cut', at: 'before-content', how: 'reset' },
      undefined,
      { type: 'status', status: 529 },
      { type: 'slow-first-token', ms: Infinity },
      undefined,
      { type: 'cut', at: 'headers', how: 'end' },
      { type: 'error-in-200', at: 'before-content' },
    ]
    const claude = forThisTest(
      await startClaude({
        fault: ({ json }) => ((json as ChatRequest).tools?.length ? faults.shift() : undefined),
        reply: ({ json }) => {
          const { messages, tools } = json as ChatRequest
          if (!tools?.length) return { text: 'A greeting' }
          return steps(file)[messages.filter(hasResult).length] ?? { text: 'There is nothing left to do.' }
        },
        separateWrites: true,
      }),
    )
    const clients = await clientsOf({ coder: { permissions: ['claude:code'] } })
    const calls: AnsweredCall[] = []
    const config = configOf(targetAt(claude, 'anthropic'), undefined, {
      server: clients.server,
      retry: { attempts: 3, baseDelay: '10ms', budget: 1 },
      timeouts: { firstContent: '1s' },
    })
    const gateway = await gatewayOf(config, calls)
    const { result, is_error } = await ask(gateway.url, {
      home,
      prompt: 'Greet the spillway in greeting.txt.',
      flags: ['--permission-mode', 'acceptEdits', '--model', model],
      variables: { ANTHROPIC_BASE_URL: gateway.url, ANTHROPIC_AUTH_TOKEN: clients.keys.coder as string },
    })
    expect([result, is_error]).toEqual(['The spillway is greeted now.', false])
    expect(readFileSync(file, 'utf8')).toBe('Hello, spillway.\n')
    expect(faults).toEqual([])
    // It has seen none of it.
    expect(calls.map(({ response, tenant }) => [response.status, tenant])).toEqual(
      calls.map(() => [200, 'coder']),
    )
  })

  it('warns from 75 % of its budget on, and stops after one refused call, whose words it shows', async () => {
    const home = realpathSync(temporaryFolder())
    const file = join(home, 'greeting.txt')
    writeFileSync(file, 'Hello, dam.\n')
    const { url, key, calls } = await nearlySpent(
      ({ messages }) => steps(file)[messages.filter(hasResult).length] as Reply,
    )
    const { result, is_error, events } = await ask(url, {
      home,
      prompt: 'Greet the spillway in greeting.txt.',
      flags: ['--permission-mode', 'acceptEdits', '--model', model],
      variables: signedIn(url, key),
      // Its own: it would try again if it were told that this helps.
      environment: { CLAUDE_CODE_MAX_RETRIES: '5' },
    })
    expect(events.filter(({ type }) => type === 'rate_limit_event')).toMatchObject([
      {
        rate_limit_info: {
          ...{ status: 'allowed_warning', rateLimitType: 'overage', utilization: 0.82 },
          surpassedThreshold: 0.75,
        },
      },
      ...events.filter(({ type }) => type === 'rate_limit_event').slice(1),
    ])
    expect(is_error).toBe(true)
    expect(result).toMatch(
      /^(?:API Error: )?coder has spent its budget of \$10 a month, which resets 20\d\d-\d\d-01 00:00 UTC: ask in #claude-budgets$/,
    )
    expect(calls.map(({ response }) => response.status)).toEqual([200, 429])
    // Nothing of the second step was done.
    expect(readFileSync(file, 'utf8')).toBe('Hello, dam.\n')
    // The same where it takes the gateway for Anthropic's own API.
    calls.length = 0
    const plain = await ask(url, {
      flags: ['--model', model],
      variables: { ANTHROPIC_BASE_URL: url, ANTHROPIC_AUTH_TOKEN: key ?? '' },
      environment: { CLAUDE_CODE_MAX_RETRIES: '5' },
    })
    expect([plain.is_error, plain.result]).toEqual([
      true,
      expect.stringContaining('has spent its budget of $10'),
    ])
    expect(calls.map(({ response }) => response.status)).toEqual([429])
  })

  it.runIf(hasTerminal())('shows both to a developer at a terminal', async () => {
    const { url, key } = await nearlySpent(() => ({ text: 'Hello from the far side.' }))
    const home = realpathSync(temporaryFolder())
    const environment = environmentOf(home, signedIn(url, key))
    // What it would ask at its first start.
    mkdirSync(join(home, 'config'))
    const project = { hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true }
    const settings = { hasCompletedOnboarding: true, theme: 'dark', projects: { [home]: project } }
    writeFileSync(join(home, 'config', '.claude.json'), JSON.stringify(settings))
    const terminal = await openTerminal(home, environment)
    await terminal.begin(
      `'${process.execPath}' '${launcher}' --model ${model} 'Say hello.'`,
      /You've used 82% of your usage credits · resets/,
    )
    terminal.press('And again?')
    terminal.press('\r')
    await terminal.shows(/coder has spent its budget of \$10 a month/)
  })

  it('finishes what it is being told when its key is revoked, and is refused within a second at all gateways then', async () => {
    const words = Array.from({ length: 12 }, (_, index) => `word${index}`).join(' ')
    const claude = forThisTest(await startClaude({ reply: { text: words }, chunkDelayMs: 150 }))
    const clients = await clientsOf({ coder: { permissions: ['claude:code'] } })
    const config = configOf(targetAt(claude, 'anthropic'), undefined, { server: clients.server })
    const [one, other] = [await gatewayOf(config), await gatewayOf(config)]
    const running = ask(one.url, {
      flags: ['--model', model],
      variables: { ANTHROPIC_BASE_URL: one.url, ANTHROPIC_AUTH_TOKEN: clients.keys.coder as string },
    })
    await claude.nextRequest()
    await clients.revoke('coder')
    const status = async (url: string): Promise<number> => {
      const headers = { authorization: `Bearer ${clients.keys.coder}` }
      return (await fetch(`${url}/v1/models`, { headers })).status
    }
    await expect
      .poll(async () => [await status(one.url), await status(other.url)], { timeout: 1_000, interval: 50 })
      .toEqual([401, 401])
    expect(await running).toMatchObject({ result: words, is_error: false })
    const refused = await ask(other.url, {
      variables: { ANTHROPIC_BASE_URL: other.url, ANTHROPIC_AUTH_TOKEN: clients.keys.coder as string },
      environment: { CLAUDE_CODE_MAX_RETRIES: '5' },
    })
    expect([refused.is_error, refused.result]).toEqual([
      true,
      expect.stringContaining('unknown, revoked or expired'),
    ])
    expect(claude.requests.filter(({ path }) => path.startsWith('/v1/messages'))).toHaveLength(1)
  })
})
