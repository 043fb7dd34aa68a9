import { execFile } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startClaude, startOpenAi } from '@spillway/testing'
import { expect, it, onTestFinished } from 'vitest'

// Packs the packages as they would be published, `pnpm build` comes first, and runs in an empty project what their READMEs show.

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../../', import.meta.url))
const packages = join(root, 'packages')
const names = readdirSync(packages).filter((name) => existsSync(join(packages, name, 'package.json')))

/** What examples import besides the packages and what those depend on. */
const besides: Readonly<Record<string, readonly string[]>> = {
  'ai-sdk': ['@ai-sdk/anthropic', '@ai-sdk/openai', 'ai'],
  resilient: ['@anthropic-ai/sdk'],
}

/** An empty project with the packed packages, and what they say that they depend on, as it is installed here. */
async function emptyProject(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-packed-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const modules = join(folder, 'node_modules')
  const tarballs = join(folder, 'tarballs')
  await run('pnpm', ['-r', '--filter', './packages/*', 'pack', '--pack-destination', tarballs], { cwd: root })
  await Promise.all(
    names.map(async (name) => {
      const to = join(modules, '@spillway', name)
      mkdirSync(to, { recursive: true })
      const packed = readdirSync(tarballs).find((file) => new RegExp(`^spillway-${name}-\\d`).test(file))
      await run('tar', ['-xzf', join(tarballs, packed ?? ''), '-C', to, '--strip-components=1'])
      const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(to, 'package.json'), 'utf8'))
      const wanted = [...Object.keys({ ...dependencies, ...peerDependencies }), ...(besides[name] ?? [])]
      for (const each of wanted.filter((dependency) => !dependency.startsWith('@spillway/'))) {
        const [installed, link] = [join(packages, name, 'node_modules', each), join(modules, each)]
        mkdirSync(dirname(link), { recursive: true })
        if (existsSync(installed) && !existsSync(link)) symlinkSync(realpathSync(installed), link)
      }
    }),
  )
  return folder
}

// Packing takes a while on a busy machine.
it('shows in each README a first example that answers, as it is pasted, from the packed packages', async () => {
  const folder = await emptyProject()
  await using claude = await startClaude({ reply: { text: 'Hello from the dam.' } })
  await using openai = await startOpenAi({ reply: { text: 'Hello from the other side.' } })
  writeFileSync(join(folder, 'package.json'), '{"type":"module","private":true}')
  for (const name of names) {
    const readme = readFileSync(join(folder, 'node_modules/@spillway', name, 'README.md'), 'utf8')
    writeFileSync(join(folder, `${name}.ts`), /```ts\n(.*?)```/s.exec(readme)?.[1] ?? '')
  }
  cpSync(fileURLToPath(new URL('packed/run-readmes.js', import.meta.url)), join(folder, 'run.js'))
  const keyVault = join(folder, 'node_modules/@spillway/key-vault/dist/index.js')
  const vault = `import { initAgeFile, openVault } from ${JSON.stringify(keyVault)}
const driver = await initAgeFile({ path: 'vault.age', keyFile: 'vault.key' })
const vault = openVault({ driver })
await vault.add('claude', 'sk-ant-of-the-vault')
await vault.close()`
  const env = {
    PATH: process.env.PATH,
    ...{ ANTHROPIC_BASE_URL: claude.url, ANTHROPIC_API_KEY: 'sk-ant-1', OPENAI_API_KEY: 'sk-1' },
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
  }
  await run(process.execPath, ['--input-type=module', '-e', vault], { cwd: folder, env })
  const { stdout } = await run(process.execPath, ['run.js', claude.url, openai.url, ...names], {
    ...{ cwd: folder, env, timeout: 60_000 },
  })
  const answers = Object.fromEntries(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  )
  const hello = 'Hello from the dam.'
  expect(answers).toEqual({
    ...Object.fromEntries(names.map((name) => [name, hello])),
    // CommonJS gets them too.
    required: names.length,
    attempt: '200',
    budgets: expect.stringMatching(/^the budget a month is (spent|exceeded|\w+) until \d+/),
    'core-client': expect.stringMatching(/^Hello from the dam\. \d+ Hello/),
    'gateway-api': expect.stringContaining('/api/openapi.json'),
    'key-vault': 'sk-ant-of-the-vault',
    middleware: 'end_turn',
    resilient: JSON.stringify([{ type: 'text', text: hello }]),
    testing: `529 ${hello} 2`,
    translation: 'Hello from the other side.',
    usage: expect.stringMatching(/^\$?\d/),
    venues: expect.stringMatching(/^claude-/),
    wire: expect.stringContaining('overloaded'),
  })
}, 120_000)
