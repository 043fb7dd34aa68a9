import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, startClaude } from '@spillway/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { hasChromium, launchBrowser, settled } from '../../dashboard/test/browser.ts'
import { forThisTest, temporaryFolder } from './gateway.ts'
import { installClaudeCode } from './install-claude-code.ts'
import { startRegistry } from './offline-registry.ts'
import { plainEnvironment } from './spillway.ts'
import { type Answer, controlC, hasTerminal, openTerminal } from './terminal.ts'

// Types what the README says into a real terminal, with the packages as they would be published: `pnpm build` comes first.

/** The commands of the section, without their comments, terminal by terminal. */
function firstDay(): string[][] {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const [, section = ''] = /^## First day\n(.*?)^## /ms.exec(readme) ?? []
  return [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) =>
    block
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/ +# .*/, '')),
  )
}

const launcher = await installClaudeCode()

describe.skipIf(!hasTerminal() || launcher === undefined)('the first day', { timeout: 120_000 }, () => {
  test('goes as the README says, from the installation to the end', async () => {
    const [first, second] = ['sk-ant-api03-first', 'sk-ant-api03-second']
    const claude = forThisTest(
      await startClaude({ apiKeys: [first, second], reply: { text: 'Hello from the far side.' } }),
    )
    const port = await freePort()
    const [prefix, folder] = [temporaryFolder(), temporaryFolder()]
    const bin = join(prefix, 'claude')
    mkdirSync(bin)
    writeFileSync(join(bin, 'claude'), `#!/bin/sh\nexec '${process.execPath}' '${launcher}' "$@"\n`, {
      mode: 0o755,
    })
    const env = {
      ...plainEnvironment(),
      ...{ PATH: `${join(prefix, 'bin')}:${bin}:${process.env.PATH}`, HOME: prefix },
      ...{ npm_config_registry: await startRegistry(), npm_config_prefix: prefix },
      ...{ npm_config_audit: 'false', npm_config_fund: 'false', npm_config_update_notifier: 'false' },
      ...{ CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1', DISABLE_AUTOUPDATER: '1', DISABLE_TELEMETRY: '1' },
    }
    // All that is otherwise than in the README: where Claude is, and a port that is surely free.
    const typed = (command: string): string =>
      command === 'spillway init' ? `${command} --url ${claude.url} --port ${port}` : command
    const answers: Record<string, readonly Answer[]> = {
      'spillway init': [
        ['Who answers first', ''],
        ['Where is its key', 'vault:claude'],
        ['And when that fails', ''],
        ['Where are calls and costs kept', ''],
      ],
      'spillway link claude': [['key for claude (not shown): ', first]],
      'spillway keys rotate claude': [['new key for claude (not shown): ', second]],
    }
    const expected: Record<string, RegExp> = {
      'npm install -g @spillway/gateway': /added \d+ packages/,
      'spillway init':
        /wrote spillway\.yaml\nnext:\n {2}spillway link claude .*\n {2}spillway doctor\n {2}spillway start\n/,
      'spillway link claude': /verified at http.*; the key is in vault\.age as "claude"\n.* uses it/,
      'spillway doctor':
        /^ok +claude\/1 .* it takes vault:claude\n(ok .*\n)*\n0 wrong, 0 doubtful, \d+ well\n/m,
      'spillway code -p "Say hello."': /^Hello from the far side\.\n/m,
      'spillway status': /status: ok.*\n {2}claude\/1 +anthropic +circuit closed\n/,
      'spillway keys rotate claude': /claude v2 is active, verified at http/,
    }
    const [before = [], during = []] = firstDay()
    const start = before.pop() ?? ''
    expect(start).toBe('spillway start')
    expect([...before, ...during]).toEqual(Object.keys(expected))

    const terminal = await openTerminal(folder, env)
    const goes = async (command: string, where: typeof terminal): Promise<void> => {
      const { code, shown } = await where.run(typed(command), answers[command])
      expect(shown).toMatch(expected[command] as RegExp)
      expect([command, code]).toEqual([command, 0])
      for (const key of [first, second]) expect(shown).not.toContain(key)
    }
    for (const command of before) await goes(command, terminal)

    const url = `http://127.0.0.1:${port}`
    await terminal.begin(start, /listening on /)
    expect(terminal.shown()).toContain(`Dashboard:\n  ${url}/\n`)
    const other = await openTerminal(folder, env)
    for (const command of during) await goes(command, other)

    // The new key is used within a second.
    const body = JSON.stringify({
      model: 'claude-sonnet-5-5',
      max_tokens: 9,
      messages: [{ role: 'user', content: 'Hi' }],
    })
    const keyOfCall = async (): Promise<unknown> => {
      await (await fetch(`${url}/v1/messages`, { method: 'POST', body })).text()
      return claude.requests.at(-1)?.headers['x-api-key']
    }
    await expect.poll(keyOfCall, { timeout: 10_000, interval: 200 }).toBe(second)

    if (hasChromium()) {
      const browser = await launchBrowser()
      onTestFinished(() => browser.close())
      const page = await browser.newPage()
      await page.goto(`${url}/`)
      await settled(page)
      expect(await page.locator('main').textContent()).toMatch(/okclaudeclaude-/)
    }

    terminal.press(controlC)
    const { code, shown } = await terminal.end()
    expect(code).toBe(0)
    expect(shown).toMatch(/claude +ok .*claude-/)
    expect(shown).toMatch(/draining calls in flight/)
  })
})
