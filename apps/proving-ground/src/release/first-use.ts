import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { SimulatedServer } from '@spillway/testing'
import { runCommand } from '../run-command.ts'
import { copyRunner } from './publish.ts'

/** What a newcomer waited for, and got. */
export interface FirstUse {
  readonly name: string
  /** Packages in node_modules. */
  readonly packages: number
  readonly bytes: number
  /** In milliseconds. */
  readonly installMs: number
  readonly answerMs: number
  readonly answer: string
}

export interface Place {
  readonly folder: string
  readonly registry: string
  readonly claude: SimulatedServer
}

/** What the first example of a README imports besides its package. */
const besides: Readonly<Record<string, readonly string[]>> = {
  'circuit-breaker-fallback': ['@spillway/core-client'],
  'key-vault': ['@spillway/core-client'],
}

/** An empty project in which only this was installed. */
async function installed(name: string, { folder, registry }: Place) {
  const project = join(folder, `project-${name}`)
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), '{"type":"module","private":true}')
  writeFileSync(join(project, '.npmrc'), `registry=${registry}/\n`)
  const begun = performance.now()
  const flags = ['--no-audit', '--no-fund', '--loglevel=error']
  await runCommand('npm', ['install', ...flags, `@spillway/${name}`, ...(besides[name] ?? [])], {
    ...{ cwd: project, env: { ...process.env, npm_config_registry: `${registry}/` } },
  })
  const installMs = performance.now() - begun
  const modules = join(project, 'node_modules')
  const files = readdirSync(modules, { recursive: true, encoding: 'utf8' })
  const manifest = /(?:^|node_modules\/)(?:@[^/]+\/)?[^/@]+\/package\.json$/
  return {
    ...{ project, installMs, packages: files.filter((file) => manifest.test(file)).length },
    bytes: files.reduce((sum, file) => sum + lstatSync(join(modules, file)).size, 0),
  }
}

/** Installs a package alone, pastes the first example of its README, and runs it. */
export async function usePackage(name: string, place: Place): Promise<FirstUse> {
  const { project, ...sizes } = await installed(name, place)
  const readme = readFileSync(join(project, 'node_modules/@spillway', name, 'README.md'), 'utf8')
  writeFileSync(join(project, `${name}.ts`), /```ts\n(.*?)```/s.exec(readme)?.[1] ?? '')
  copyRunner(project)
  const { url } = place.claude
  const env = { PATH: process.env.PATH, ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: 'sk-ant-1' }
  if (name === 'key-vault') {
    const script = `import { initAgeFile, openVault } from '@spillway/key-vault'
const vault = openVault({ driver: await initAgeFile({ path: 'vault.age', keyFile: 'vault.key' }) })
await vault.add('claude', 'sk-ant-of-the-vault')
await vault.close()`
    await runCommand(process.execPath, ['--input-type=module', '-e', script], { cwd: project, env })
  }
  const begun = performance.now()
  const out = await runCommand(process.execPath, ['run.js', url, url, name], { cwd: project, env })
  const answerMs = performance.now() - begun
  const said = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as [string, string])
  return { name, ...sizes, answerMs, answer: said.find(([of]) => of === name)?.[1] ?? out }
}

/** How long the gateway may take to start, in milliseconds. */
const longestStart = 30_000

/** Installs the gateway, starts it with a key of the environment, and asks it. */
export async function useGateway(place: Place): Promise<FirstUse> {
  const { project, ...sizes } = await installed('gateway', place)
  const { url } = place.claude
  const config = {
    targets: { claude: { api: 'anthropic', endpoints: [{ url, credential: 'env:ANTHROPIC_API_KEY' }] } },
    routes: [{ models: '*', target: 'claude' }],
  }
  writeFileSync(join(project, 'spillway.yaml'), JSON.stringify(config))
  const begun = performance.now()
  const program = join(project, 'node_modules/.bin/spillway')
  const child = spawn(program, ['start', '--port', '0'], {
    ...{ cwd: project, stdio: ['ignore', 'pipe', 'pipe'] },
    env: { PATH: process.env.PATH, ANTHROPIC_API_KEY: 'sk-ant-1', HOME: project },
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (piece: string) => {
      said += piece
    })
  const exited = once(child, 'exit')
  try {
    const address = (): string | undefined => /listening on (\S+)/.exec(said)?.[1]
    for (let waited = 0; address() === undefined; waited += 10) {
      if (child.exitCode !== null || waited > longestStart) throw new Error(`it did not start:\n${said}`)
      await delay(10)
    }
    const response = await fetch(`${address()}/v1/messages`, {
      method: 'POST',
      body: JSON.stringify({
        ...{ model: 'claude-sonnet-5-5', max_tokens: 20 },
        messages: [{ role: 'user', content: 'Hello?' }],
      }),
    })
    const { content } = (await response.json()) as { readonly content?: readonly { readonly text: string }[] }
    const answerMs = performance.now() - begun
    return { name: 'gateway', ...sizes, answerMs, answer: content?.[0]?.text ?? `status ${response.status}` }
  } finally {
    child.kill('SIGTERM')
    await exited
  }
}
