import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { installClaudeCode } from './install-claude-code.ts'
import { askClaudeCode, paste, pasteable, useAnthropic, useOpenAi } from './printed-lines.ts'
import { messages, send } from './raw-client.ts'
import { type Run, ready, spawned, until } from './spillway.ts'

// These tests start the built program: `pnpm build` comes first. They watch one demo, in the order of its scenes.

describe('start without a configuration and without a key: the demo', { timeout: 120_000 }, () => {
  let demo: Run
  let launcher: string | undefined

  beforeAll(async () => {
    launcher = await installClaudeCode()
    demo = spawned(['start', '--port', '0'])
    await until(() => ready.test(demo.stdout()), 30_000)
  }, 300_000)

  afterAll(() => void demo.child.kill('SIGKILL'))

  it('prints lines that work with curl and both SDKs', async () => {
    const lines = pasteable(demo.stdout())
    expect(await paste(lines.curl ?? '')).toContain('"type":"message"')
    expect(await useAnthropic(lines['@anthropic-ai/sdk'] ?? '', 'claude-sonnet-5-5')).toMatch(/\w/)
    expect(await useOpenAi(lines.openai ?? '', 'claude-sonnet-5-5')).toMatch(/\w/)
  })

  it('answers questions from outside', async () => {
    const { status } = await send(`${ready.exec(demo.stdout())?.[1]}/v1/messages`, { body: messages() })
    expect(status).toBe(200)
  })

  it('shows the local model answering where Claude is late', async () => {
    await until(() => / local .*timeout .*\d+(\.\d)? m?s /.test(demo.stdout()), 60_000)
    expect(demo.stdout()).toMatch(/^\d\d:\d\d:\d\d {2}claude +ok +[\d.]+ m?s /m)
    expect(demo.stdout()).toMatch(/^\d\d:\d\d:\d\d {2}local +timeout +[\d.]+ m?s +2 attempts /m)
    expect(demo.stdout().match(/^listening on /gm)).toHaveLength(1)
  })

  it('answers Claude Code at the worst moment: Claude is down, and the local model reads the whole prompt', async ({
    skip,
  }) => {
    if (launcher === undefined) return skip()
    await until(() => demo.stdout().includes('-- Claude is down'), 100_000)
    const { result, is_error } = await askClaudeCode(launcher, pasteable(demo.stdout()).Claude ?? '')
    expect([is_error, result.length > 0]).toEqual([false, true])
  })

  it('shows within two minutes how Claude fails, is left alone, is tested, and answers again', async () => {
    const answer = (who: string, why: string): RegExp =>
      new RegExp(`^\\d\\d:\\d\\d:\\d\\d {2}${who} +${why} `, 'm')
    const steps = [
      /-- Claude is down/,
      answer('local', '\\w+'),
      answer('claude', 'circuit open'),
      answer('local', 'circuit_open'),
      /-- Claude is back/,
      answer('claude', 'circuit half-open'),
      answer('claude', 'circuit closed'),
      answer('claude', 'ok'),
    ]
    let from = 0
    for (const step of steps) {
      await until(() => step.test(demo.stdout().slice(from)), 100_000)
      from += step.exec(demo.stdout().slice(from))?.index ?? 0
    }
    demo.child.kill('SIGTERM')
    expect(await demo.exit).toBe(0)
  })
})
