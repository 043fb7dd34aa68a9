import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { stringify } from 'yaml'
import { configOf, temporaryFolder } from './gateway.ts'
import { configFile, plainEnvironment, program, ready, spillway, until } from './spillway.ts'

// What people run into at their first start of a gateway, by the issues of its kind. `pnpm build` comes first.

const text = stringify({
  ...configOf({ api: 'anthropic', endpoints: [{ url: 'http://127.0.0.1:1', credential: 'env:FIRST_KEY' }] }),
  server: { port: 0 },
})
const key = { FIRST_KEY: 'sk-ant-api03-one' }

async function said(
  args: readonly string[],
  env: Record<string, string> = key,
  cwd?: string,
): Promise<string> {
  const run = spillway(args, env, cwd)
  const code = await run.exit
  return `${code} ${run.stdout()}${run.stderr()}`
}

it.each<[string, Buffer, RegExp]>([
  ['Windows line ends', Buffer.from(text.replaceAll('\n', '\r\n')), /^0 .*is valid/s],
  ['a byte order mark', Buffer.from(`\uFEFF${text}`), /^0 .*is valid/s],
  [
    'UTF-16, as PowerShell writes it',
    Buffer.from(`\uFEFF${text}`, 'utf16le'),
    /^1 .*not in UTF-8.*save it as UTF-8\n1 problem/s,
  ],
  ['tabs', Buffer.from(text.replaceAll('  ', '\t')), /^1 .*Tabs are not allowed as indentation/s],
  [
    'a key that is there twice',
    Buffer.from(`${text}routes: []\n`),
    /^1 .*"routes" is there twice: keep one of them\n1 problem\n$/s,
  ],
  [
    'a value of another kind',
    Buffer.from(text.replace(/^server:\n.*\n/m, 'server: 8787\n')),
    /^1 .*server: expected a mapping of keys, found a number\n1 problem\n$/s,
  ],
  [
    'a variable that nothing replaces',
    Buffer.from(text.replace('http://127.0.0.1:1', '{ $' + '{BASE_URL} }')),
    /^1 .*variables are not replaced here: .*env:NAME.*\n1 problem\n$/s,
  ],
])('a file with %s', async (_, bytes, expected) => {
  const file = join(temporaryFolder(), 'spillway.yaml')
  writeFileSync(file, bytes)
  expect(await said(['check', '--config', file])).toMatch(expected)
})

it.each([
  '$ANTHROPIC_API_KEY',
  '$' + '{KEY}',
  '<your key>',
  'your-api-key',
  'env:ANTHROPIC_API_KEY',
  '%KEY%',
])('a key that is a placeholder is a problem, and is not sent: %s', async (value) => {
  const output = await said(['start', '--config', configFile(text)], { FIRST_KEY: value })
  expect(output).toMatch(/^1 .*credential: env:FIRST_KEY holds a placeholder and no key/s)
})

it('spillway.yml is found, too', async () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'spillway.yml'), text)
  expect(await said(['check'], key, folder)).toMatch(/^0 .*spillway\.yml is valid/s)
})

it('a folder in place of a file, and addresses that this machine does not have, are said as what they are', async () => {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'conf.d'))
  const start = ['start', '--exposed', '--config', configFile(text), '--host']
  const all = await Promise.all([
    said(['check', '--config', join(folder, 'conf.d')]),
    said([...start, '192.0.2.7']),
  ])
  expect(all[0]).toMatch(/^1 .*this is a folder: name the file in it/s)
  expect(all[1]).toMatch(/^1 .*this machine has no address 192\.0\.2\.7: set server\.host/s)
})

it('a database that cannot be made is named, and no port is blamed', async () => {
  const storage = { storage: { url: 'sqlite:/proc/no/books.db' } }
  const output = await said(['start', '--config', configFile(`${text}${stringify(storage)}`)])
  expect(output).toMatch(/^1 .*\/proc\/no cannot be made or written \(E\w+\): .* set storage\.url/s)
  expect(output).not.toContain('port')
})

it('the audit log and refused rows are found in the configuration of the folder', async () => {
  const folder = temporaryFolder()
  const [none, rows] = [
    await said(['audit', 'verify'], {}, folder),
    await said(['ledger', 'rejected'], {}, folder),
  ]
  expect(none).toMatch(/^1 there is no spillway\.yaml in this folder: .*--storage\n$/s)
  expect(rows).toMatch(/^1 there is no spillway\.yaml in this folder: .*--journal\n$/s)
  writeFileSync(join(folder, 'spillway.yaml'), text)
  expect(await said(['audit', 'verify'], {}, folder)).toBe('1 spillway.yaml has no storage\n')
})

it.skipIf(!existsSync('/dev/full'))('an output that takes nothing is one sentence', () => {
  const run = spawnSync('sh', ['-c', `'${process.execPath}' '${program}' completion bash >/dev/full`], {
    ...{ encoding: 'utf8', env: plainEnvironment() },
  })
  expect([run.status, run.stderr]).toEqual([1, 'standard output cannot be written (ENOSPC)\n'])
})

const at = (more: object) =>
  stringify({
    ...configOf({ api: 'anthropic', endpoints: [{ url: 'https://api.anthropic.com', ...more }] }),
    server: { port: 0 },
  })

it.each([
  '$' + '{FIRST_KEY}',
  '$FIRST_KEY',
  '%FIRST_KEY%',
  'os.environ/FIRST_KEY',
  'process.env.FIRST_KEY',
  'FIRST_KEY',
])('a variable in the words of another program is said in those of this one: %s', async (credential) => {
  const output = await said(['check', '--config', configFile(at({ credential }))])
  expect(output).toMatch(
    /^1 .*credential: expected env:NAME .*: the variable FIRST_KEY is env:FIRST_KEY here\n/s,
  )
})

it.each([
  ['https://api.anthropic.com/v1/messages', 'leave /messages out'],
  ['https://api.openai.com/v1/chat/completions', 'leave /chat/completions out'],
  ['https://openrouter.ai/v1', "OpenRouter's base URL is https://openrouter.ai/api"],
])('an address of calls is no base URL: %s', async (url, expected) => {
  const output = await said(['check', '--config', configFile(at({ url, credential: 'env:FIRST_KEY' }))])
  expect(output).toContain(`url: `)
  expect([output[0], output]).toEqual(['1', expect.stringContaining(expected)])
})

it('a key of another vendor, and one that waits in .env, are warnings that say so', async () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'spillway.yaml'), at({ credential: 'env:FIRST_KEY' }))
  const other = await said(['check'], { FIRST_KEY: 'sk-or-v1-0123456789' }, folder)
  expect(other).toMatch(/^0 .*the key is one of OpenRouter, and api\.anthropic\.com will refuse it/s)
  expect(other).not.toContain('sk-or-v1')
  writeFileSync(join(folder, '.env'), 'OTHER=1\r\nexport FIRST_KEY=sk-ant-api03-one\r\n')
  const missing = await said(['check'], {}, folder)
  expect(missing).toMatch(/^0 .*FIRST_KEY is not set; \.env sets it, which is not read by itself: set -a; /s)
})

it('a port that another gateway has is said to be its', async () => {
  const first = spillway(['start', '--quiet', '--config', configFile(text)], key)
  await until(() => ready.test(first.stdout()))
  const { port } = new URL(ready.exec(first.stdout())?.[1] as string)
  expect(await said(['start', '--config', configFile(text), '--port', port])).toBe(
    `1 port ${port} is in use by a gateway that runs already ("spillway status" tells how it is); choose another with --port, or --port 0 for a free one\n`,
  )
})
