import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startClaude, startConnectProxy } from '@spillway/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { installProgram } from '../../gateway/test/install-program.ts'

// What is published is bundled: `pnpm build` comes first. esbuild is no dependency.

const run = promisify(execFile)
const esbuild = await installProgram({
  ...{ name: 'esbuild', packageName: 'esbuild', version: '0.28.2', script: 'bin/esbuild' },
})

/** A breaker that opens, a fallback, and a client with a proxy: all that comes from packages in CommonJS. */
const program = `
import { createCircuitBreaker, fallback } from '@spillway/circuit-breaker-fallback'
import { createClient } from '@spillway/core-client'

async function main(away, at, proxy) {
  const client = (name, baseUrl, more = {}) => createClient({ provider: 'anthropic', credential: 'k', name, baseUrl, ...more })
  const breaker = createCircuitBreaker({ minimumCalls: 2 })
  const spare = client('spare', 'http://venue.example', { pool: { proxy } })
  const first = client('first', away, { middleware: [fallback([spare]), breaker.middleware] })
  for (let call = 0; call < 4; call++) console.log((await first.complete('Hi')).text)
  console.log(breaker.states().map(({ state }) => state).join())
  const headers = { 'anthropic-version': '2023-06-01' }
  const models = await (await client('plain', at).fetch(at + '/v1/models', { headers })).json()
  console.log(models.data.length > 0)
  await Promise.all([first.close(), spare.close()])
}

main(...process.argv.slice(2))
`

it.runIf(Boolean(process.env.CI))('esbuild could be installed', () => {
  expect(esbuild).toBeDefined()
})

describe.skipIf(esbuild === undefined)(
  'a bundle of esbuild, without a banner and without packages beside it',
  () => {
    it.each([
      ['esm', 'mjs'],
      ['cjs', 'cjs'],
    ])('runs as %s: client, breaker, fallback, proxy', async (format, end) => {
      await using away = await startClaude()
      away.always({ type: 'status', status: 529 })
      await using claude = await startClaude({ reply: { text: 'Hello from the bundle.' } })
      await using proxy = await startConnectProxy({ hosts: { 'venue.example': claude.url } })
      const folder = mkdtempSync(join(tmpdir(), 'spillway-bundle-'))
      onTestFinished(() => rmSync(folder, { recursive: true }))
      const outfile = join(folder, `bundle.${end}`)
      // The packages are found from here, and not from where the bundle is.
      const made = run(
        process.execPath,
        [
          ...[esbuild ?? '', '--bundle', '--platform=node', `--format=${format}`],
          ...[`--outfile=${outfile}`, '--log-level=warning'],
        ],
        { cwd: import.meta.dirname },
      )
      made.child.stdin?.end(program)
      expect(await made).toEqual({ stdout: '', stderr: '' })
      const args = [outfile, away.url, claude.url, proxy.url]
      const { stdout } = await run(process.execPath, args, { cwd: folder })
      expect(stdout.trim().split('\n')).toEqual([
        ...Array.from({ length: 4 }, () => 'Hello from the bundle.'),
        'closed,open',
        'true',
      ])
      expect(proxy.requests).toHaveLength(4)
      expect(away.requests.length).toBeLessThan(4)
    })

    // A package is few modules, so what is not used is left out constant by constant.
    it.each([
      { name: 'middleware', use: 'sleep', most: 300, without: 'Buffer' },
      { name: 'retry', use: 'exponential', most: 400, without: 'createHash' },
      { name: 'rate-limit', use: 'rateLimit', most: 65_000, without: 'redis.call' },
      { name: 'wire', use: 'retryAfterMs', most: 2_000, without: 'Buffer.from' },
    ])('has of $name no more than what $use needs', async ({ name, use, most, without }) => {
      const made = run(
        process.execPath,
        [esbuild ?? '', '--bundle', '--platform=node', '--format=esm', '--minify'],
        { cwd: import.meta.dirname },
      )
      made.child.stdin?.end(`export { ${use} } from '@spillway/${name}'`)
      const { stdout } = await made
      // By themselves: a message with the bundle in it says nothing.
      expect(stdout.includes(use)).toBe(true)
      expect(stdout.includes(without), without).toBe(false)
      expect(stdout.length).toBeLessThan(most)
    })
  },
)
