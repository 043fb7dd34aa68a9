import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { libraries, type Suite } from './suites.ts'

const run = promisify(execFile)

/** Results of tests by their names. */
export type Results = ReadonlyMap<string, { readonly passed: boolean; readonly message: string }>

/** How long one run of a suite may take, in milliseconds. */
const longestRun = 20 * 60_000

/** Installs the runner and the libraries that the suites import into a folder that is no part of this repository. */
export async function prepare(work: string): Promise<void> {
  await mkdir(work, { recursive: true })
  if (existsSync(join(work, 'node_modules/vitest'))) return
  await writeFile(join(work, 'package.json'), '{ "private": true, "type": "module" }\n')
  await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...libraries], { cwd: work })
}

/** Fetches a suite's sources once. @returns the commit and its date */
export async function fetchSources(suite: Suite, source: string, work: string): Promise<string> {
  const folder = join(work, suite.name)
  if (!existsSync(folder)) await run('git', ['clone', '--quiet', '--depth', '1', source, folder])
  const { file, find } = suite.hook
  if (!(await readFile(join(folder, file), 'utf8')).includes(find)) {
    throw new Error(
      `${suite.name}: ${file} calls its fetch in another way than src/sdk-suites/suites.ts says`,
    )
  }
  await forgetTypes(folder)
  const { stdout } = await run('git', ['-C', folder, 'log', '-1', '--format=%h of %as'])
  return stdout.trim()
}

/** Settings of the compiler that extend packages which are not installed keep the runner from reading the sources. */
async function forgetTypes(folder: string): Promise<void> {
  const { stdout } = await run('git', ['-C', folder, 'ls-files', '*tsconfig*.json'])
  for (const file of stdout.split('\n')) {
    if (file !== '' && existsSync(join(folder, file))) await writeFile(join(folder, file), '{}\n')
  }
}

/** Runs a suite as it is, or with `wrapFetch` around the `fetch` of its client. */
export async function runSuite(suite: Suite, work: string, isWrapped: boolean): Promise<Results> {
  const folder = join(work, suite.name)
  const config = join(folder, 'spillway.vitest.config.mjs')
  const output = join(work, `${suite.name}-${isWrapped ? 'wrapped' : 'plain'}.json`)
  await writeFile(config, configOf(suite, folder))
  const args = ['run', '--root', folder, '--config', config, '--reporter', 'json', '--outputFile', output]
  const env = { ...process.env, CI: 'true', SPILLWAY_WRAPS: isWrapped ? 'yes' : 'no' }
  // It ends with an error where a test fails, which is what the report is for.
  await run(join(work, 'node_modules/.bin/vitest'), args, {
    cwd: folder,
    env,
    timeout: longestRun,
    maxBuffer: 1 << 28,
  }).catch(() => {})
  return readResults(output, folder)
}

function configOf({ alias, hook, tests, online }: Suite, folder: string): string {
  const aliases = alias.map(
    ([find, path]) =>
      `{ find: /${find.replaceAll('/', '\\/')}/, replacement: ${JSON.stringify(join(folder, path))} }`,
  )
  return `export default {
  resolve: { alias: [${aliases.join(', ')}] },
  define: { __PACKAGE_VERSION__: '"0.0.0-test"' },
  plugins: [
    {
      name: 'fetch-of-the-client',
      enforce: 'pre',
      transform: (code, id) =>
        id === ${JSON.stringify(join(folder, hook.file))}
          ? code.replace(${JSON.stringify(hook.find)}, ${JSON.stringify(hook.replace)})
          : undefined,
    },
  ],
  test: {
    globals: true,
    environment: 'node',
    include: ${JSON.stringify(tests)},
    exclude: ${JSON.stringify(['**/node_modules/**', ...online])},
    setupFiles: [${JSON.stringify(join(import.meta.dirname, 'setup.ts'))}],
    testTimeout: 20000,
    maxWorkers: 2,
  },
}
`
}

interface Report {
  readonly testResults: readonly {
    readonly name: string
    readonly assertionResults: readonly {
      readonly fullName: string
      readonly status: string
      readonly failureMessages?: readonly string[]
    }[]
  }[]
}

async function readResults(output: string, folder: string): Promise<Results> {
  const { testResults } = JSON.parse(await readFile(output, 'utf8')) as Report
  const results = new Map<string, { passed: boolean; message: string }>()
  for (const { name, assertionResults } of testResults) {
    for (const { fullName, status, failureMessages = [] } of assertionResults) {
      if (status !== 'passed' && status !== 'failed') continue
      const key = `${name.slice(folder.length + 1)} > ${fullName}`
      results.set(key, { passed: status === 'passed', message: failureMessages[0] ?? '' })
    }
  }
  return results
}
