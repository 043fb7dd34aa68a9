import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { temporaryFolder } from './gateway.ts'
import { residentBytes, startedIn, writeUsualConfig } from './start-cost.ts'

// These tests start the built program: `pnpm build` comes first. `pnpm --filter @spillway/gateway measure:start` prints figures.

/** Has the process say at its end which files it has loaded, and which of Node's own modules. */
const counting = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module'
  const files = []
  registerHooks({ load(url, context, next) { if (url.startsWith('file:')) files.push(url); return next(url, context) } })
  process.on('exit', () => console.error('\\nLOADED ' + JSON.stringify({ files, own: process.moduleLoadList })))
`)}`

describe('a start with the configuration that init writes', { timeout: 60_000 }, () => {
  it('loads few files, no packages, and of Node.js what it uses', async () => {
    const folder = temporaryFolder()
    writeUsualConfig(folder)
    const { child } = await startedIn(folder, ['--import', counting])
    onTestFinished(() => void child.kill('SIGKILL'))
    const bytes = residentBytes(child)
    let text = ''
    child.stderr?.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
    })
    const ended = new Promise((resolve) => child.on('close', resolve))
    child.kill('SIGTERM')
    await ended
    const { files, own } = JSON.parse(/^LOADED (.*)$/m.exec(text)?.[1] ?? '') as Record<string, string[]>
    expect(files?.filter((file) => file.includes('/node_modules/.pnpm/'))).toEqual([])
    expect(files?.length).toBeLessThan(60)
    // 13 MB and 3 MB: its fetch, which `import … from 'node:http'` loads, and HTTP/2.
    expect(own).not.toContain('NativeModule internal/deps/undici/undici')
    expect(own).not.toContain('NativeModule http2')
    // 103, and 90 once the thread of the database has ended for want of questions.
    if (bytes !== undefined) expect(bytes / 2 ** 20).toBeLessThan(112)
  })

  it('takes few times what Node.js itself takes to start', async () => {
    const folder = temporaryFolder()
    writeUsualConfig(folder)
    const [bare, starts]: [number[], number[]] = [[], []]
    for (let run = 0; run < 4; run++) {
      const from = performance.now()
      spawnSync(process.execPath, ['-e', '0'])
      bare.push(performance.now() - from)
      const { ms, child } = await startedIn(folder)
      child.kill('SIGKILL')
      starts.push(ms)
    }
    // 6 to 7 on a machine with nothing else to do; 14 with the packages in files of their own.
    expect(Math.min(...starts) / Math.min(...bare)).toBeLessThan(11)
  })
})

it('the code of others in the command comes with its licences', () => {
  const file = (name: string): string => fileURLToPath(new URL(`../dist/command/${name}`, import.meta.url))
  expect(existsSync(file('cli.js'))).toBe(true)
  const text = readFileSync(file('LICENSES.txt'), 'utf8')
  for (const name of [
    'undici',
    'zod',
    'yaml',
    'kysely',
    'commander',
    'opossum',
    'bottleneck',
    'age-encryption',
  ])
    expect(text).toMatch(new RegExp(`^${name} [\\d.]+ \\(\\S+\\)$`, 'm'))
})
