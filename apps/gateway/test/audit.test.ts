import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { startClaude } from '@spillway/testing'
import { expect, test, vi } from 'vitest'
import type { Audit } from '../src/api/contract.ts'
import { configOf, forThisTest, gatewayOf, ownKey, targetAt, temporaryFolder } from './gateway.ts'
import { messages, send } from './raw-client.ts'

const bin = join(import.meta.dirname, '../src/cli.ts')

/** Runs the command line from its sources. */
async function spillway(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const main = `import(${JSON.stringify(bin)}).then(({ run }) => run(process.argv))`
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [
      '--conditions=@spillway/source',
      '-e',
      main,
      'spillway',
      ...words,
    ])
    return { code: 0, stdout, stderr }
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string }
  }
}

test('calls, starts and stops are in a log that is verified, exported and searched, without any key', async () => {
  const claude = forThisTest(await startClaude())
  const url = `sqlite:${join(temporaryFolder(), 'ledger.db')}`
  const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), undefined, { storage: { url } }))
  claude.next({ type: 'status', status: 400 })
  const headers = { 'x-api-key': 'sk-of-a-caller' }
  await send(`${gateway.url}/v1/messages`, { body: messages(), headers })
  await vi.waitFor(async () => {
    const { text } = await send(`${gateway.url}/api/audit?query=invalid_request`, { method: 'GET' })
    const { entries } = JSON.parse(text) as Audit
    expect(entries).toMatchObject([
      {
        action: 'call',
        actor: expect.stringMatching(/^key-[\w-]{22}$/),
        details: { from: '127.0.0.1', outcome: 'invalid_request', keys: [ownKey.reference] },
      },
    ])
  }, 10_000)
  await gateway.close(0)

  const exported = await spillway('audit', 'export', '--storage', url)
  const actions = exported.stdout
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { entry: { action: string } }).entry.action)
  expect(actions).toEqual(['gateway.started', 'call', 'gateway.stopped'])
  expect(exported.stdout).not.toContain('sk-of-a-caller')
  expect(exported.stdout).not.toContain(ownKey.value)

  const whole = await spillway('audit', 'verify', '--storage', url)
  expect([whole.code, whole.stdout]).toEqual([
    0,
    expect.stringMatching(/^3 rows, whole\nhead 3:[0-9a-f]{64}\n$/),
  ])
  const head = whole.stdout.trim().split(' ').at(-1) as string
  const database = new DatabaseSync(url.slice('sqlite:'.length))
  database.exec("update audit set entry = replace(entry, 'invalid_request', 'ok') where seq = 2")
  database.close()
  const altered = await spillway('audit', 'verify', '--storage', url, '--head', head)
  expect([altered.code, altered.stdout]).toEqual([1, expect.stringContaining('row 2: altered')])
}, 30_000)

test('the command line says what it needs', async () => {
  const { code, stderr } = await spillway('audit', 'verify')
  expect([code, stderr]).toEqual([1, expect.stringContaining('say where with --config or --storage')])
  const help = await spillway('audit', 'verify', '--help')
  expect([help.code, help.stdout]).toEqual([0, expect.stringContaining('--head <seq:hash>')])
}, 30_000)
