import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

// What is published is loaded: `pnpm build` comes first.

const run = promisify(execFile)
const packages = fileURLToPath(new URL('../../../packages/', import.meta.url))

/** Counts the modules that an import loads, ours and those of others, without Node's own. */
const counting = `
  import { realpathSync } from 'node:fs'
  import { registerHooks } from 'node:module'
  import { pathToFileURL } from 'node:url'
  const loaded = []
  registerHooks({ load(url, context, next) { if (url.startsWith('file:')) loaded.push(url); return next(url, context) } })
  const home = pathToFileURL(realpathSync(process.argv[1])).href
  const counts = {}
  for (const name of process.argv.slice(2)) {
    await import(new URL(name + '/dist/index.js', home + '/').href)
    const ours = loaded.filter((url) => url.startsWith(home)).length
    counts[name] = { ours, others: loaded.length - ours }
  }
  console.log(JSON.stringify(counts))
`

interface Count {
  readonly ours: number
  readonly others: number
}

async function count(...names: string[]): Promise<Record<string, Count>> {
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', counting, packages, ...names])
  return JSON.parse(stdout)
}

it.each([
  // undici, OpenTelemetry's API, opossum and Bottleneck come in modules of their own.
  { name: 'core-client', ours: 10, others: 115 },
  { name: 'retry', ours: 10, others: 0 },
  { name: 'rate-limit', ours: 10, others: 5 },
  { name: 'circuit-breaker-fallback', ours: 10, others: 8 },
  { name: 'telemetry', ours: 10, others: 55 },
  { name: 'key-vault', ours: 10, others: 0 },
])('@spillway/$name loads at most $ours modules of ours, and $others of others', async (bound) => {
  const counts = (await count(bound.name))[bound.name]
  expect(counts?.ours).toBeGreaterThan(0)
  expect(counts?.ours).toBeLessThanOrEqual(bound.ours)
  expect(counts?.others).toBeLessThanOrEqual(bound.others)
})

it('all packages together load at most 50 modules of ours', async () => {
  const names = readdirSync(packages)
  const counts = await count(...names)
  expect(Object.keys(counts)).toEqual(names)
  expect(counts[names.at(-1) as string]?.ours).toBeLessThanOrEqual(50)
})
