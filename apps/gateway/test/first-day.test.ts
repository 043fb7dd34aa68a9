import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, startClaude, startOpenRouter } from '@spillway/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
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

/** Bytes of all files. */
function sizeOf(folder: string): number {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return names.reduce((sum, name) => sum + lstatSync(join(folder, name)).size, 0)
}

const body = JSON.stringify({
  model: 'claude-sonnet-5-5',
  max_tokens: 9,
  messages: [{ role: 'user', content: 'Hi' }],
})
/** What the terminal of the gateway shows some time after a command in the other one. The file is looked at once a second. */
const heard: Record<string, RegExp> = {
  'spillway link router': /^[\d-]+ [\d:]+ {2}spillway\.yaml was read again .*; changed: .*targets\.router/m,
  "echo 'timeouts: { total: long }' >> spillway.yaml":
    /spillway\.yaml was not applied .*; the gateway keeps its configuration:\nspillway\.yaml:\d+:\d+ {2}timeouts\.total: expected a duration/,
  "sed -i.old 's/total: long/total: 5m/' spillway.yaml":
    /spillway\.yaml was read again .*; changed: timeouts/,
  "pkill -HUP -xf '[^ ]*node .*spillway start'": /spillway\.yaml was read again \(SIGHUP\)/,
}

const launcher = await installClaudeCode()

describe.skipIf(!hasTerminal() || launcher === undefined)('the first day', { timeout: 240_000 }, () => {
  it('goes as the README says, from the installation to the end', async () => {
    const [first, second, third] = ['sk-ant-api03-first', 'sk-ant-api03-second', 'sk-or-v1-third']
    const claude = forThisTest(
      await startClaude({ apiKeys: [first, second], reply: { text: 'Hello from the far side.' } }),
    )
    const router = forThisTest(
      await startOpenRouter({ apiKeys: [third], reply: { text: 'Hello from the other side.' } }),
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
    // All that is otherwise than in the README: where the vendors are, and a port that is surely free.
    const otherwise: Record<string, string> = {
      'spillway init': ` --url ${claude.url} --port ${port}`,
      'spillway link router': ` --url ${router.url}`,
    }
    const typed = (command: string): string => command + (otherwise[command] ?? '')
    const answers: Record<string, readonly Answer[]> = {
      'spillway init': [
        ['Who answers first', ''],
        ['Where is its key', 'vault:claude'],
        ['And when that fails', ''],
        ['Where are calls and costs kept', ''],
      ],
      'spillway link claude': [['key for claude (not shown): ', first]],
      'spillway keys rotate claude': [['new key for claude (not shown): ', second]],
      'spillway link router': [['key for router (not shown): ', third]],
    }
    const expected: Record<string, RegExp> = {
      'npm install -g @spillway/gateway': /added \d+ packages/,
      'spillway init':
        /wrote spillway\.yaml\nnext:\n {2}spillway link claude .*\n {2}spillway doctor\n {2}spillway start\n/,
      'spillway link claude': /verified at http.*; the key is in vault\.age as "claude"\n.* uses it/,
      'spillway doctor':
        /^ok +claude\/1 .* it takes vault:claude\n(ok .*\n)*\n0 wrong, 0 doubtful, \d+ well\n/m,
      'spillway code -p "Say hello."': /^Hello from the far side\.\n/m,
      'spillway keys rotate claude': /claude v2 is active, verified at http/,
      'spillway link router': /spillway\.yaml uses it: \* -> claude -> router\n/,
      "echo 'timeouts: { total: long }' >> spillway.yaml": /^[^\n]*\n$/,
      "sed -i.old 's/total: long/total: 5m/' spillway.yaml": /^[^\n]*\n$/,
      "pkill -HUP -xf '[^ ]*node .*spillway start'": /^[^\n]*\n$/,
      'spillway status':
        /status: ok.*\n {2}claude\/1 +anthropic +circuit closed\n {2}router\/1 +openrouter +circuit closed\n/,
      'spillway dashboard': /^[^\n]*\nhttp:\/\/127\.0\.0\.1:\d+\/\S*\n/m,
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
      for (const key of [first, second, third]) expect(shown).not.toContain(key)
    }
    for (const command of before) await goes(command, terminal)

    const url = `http://127.0.0.1:${port}`
    await terminal.begin(start, /listening on /)
    expect(terminal.shown()).toContain(`Dashboard:\n  ${url}/\n`)
    expect(sizeOf(join(prefix, 'lib'))).toBeLessThan(40_000_000)
    const other = await openTerminal(folder, env)
    for (const command of during) {
      await goes(command, other)
      if (heard[command]) await expect.poll(terminal.shown, { timeout: 10_000 }).toMatch(heard[command])
    }

    const ask = async (): Promise<string> =>
      (await fetch(`${url}/v1/messages`, { method: 'POST', body })).text()
    expect(await ask()).toContain('Hello from the far side.')
    expect(claude.requests.at(-1)?.headers['x-api-key']).toBe(second)
    claude.always({ type: 'status', status: 529 })
    expect(await ask()).toContain('Hello from the other side.')

    if (hasChromium()) {
      const browser = await launchBrowser()
      onTestFinished(() => browser.close())
      const page = await browser.newPage()
      await page.goto(`${url}/`)
      await settled(page)
      expect(await page.locator('main').textContent()).toMatch(/ok\$[\d.]+claudeclaude-/)
    }

    terminal.press(controlC)
    const { code, shown } = await terminal.end()
    expect(code).toBe(0)
    expect(shown).not.toContain('warning')
    expect(shown).toMatch(/claude +ok .*claude-/)
    expect(shown).toMatch(/router +overloaded .*529/)
    expect(shown).toMatch(/draining calls in flight/)
  })
})
