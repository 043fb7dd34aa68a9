import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startClaude } from '@spillway/testing'
import { type FirstUse, useGateway, usePackage } from './first-use.ts'
import { startRegistry } from './local-registry.ts'
import { publishAll } from './publish.ts'

const usage = `Usage: pnpm prove release [--check]

A release, end to end, against a registry of this machine (Verdaccio, which is installed for it): versions and changelogs from the
changesets of the last commit, a build, all packages published. Then each of the six packages, and the gateway, is installed alone in an
empty project, and the first example of its README has to answer as it was pasted. All of it is timed.

Needs git, npm, pnpm and the registry that npm is configured with. What is not committed is not released.`

const six = [
  'core-client',
  'retry',
  'rate-limit',
  'circuit-breaker-fallback',
  'telemetry',
  'key-vault',
] as const

const hello = 'Hello from the dam.'

/** How the answer of each begins, where it is not what Claude says. */
const expected: Readonly<Record<string, string>> = { 'key-vault': 'sk-ant-of-the-vault' }

/** Releases to a registry of this machine, and uses what was released; resolves with the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { check: { type: 'boolean' }, help: { type: 'boolean' } },
  })
  if (values.help) {
    console.log(usage)
    return 0
  }
  const folder = mkdtempSync(join(tmpdir(), 'spillway-release-'))
  console.log('starting a registry …')
  const closing = [async () => rmSync(folder, { recursive: true, force: true, maxRetries: 9 })]
  try {
    const registry = await startRegistry(join(folder, 'registry'))
    closing.push(registry.close)
    console.log('publishing what the last commit has …')
    const published = await publishAll(folder, registry)
    console.log(
      `published ${published.names.length} packages, the gateway as ${published.version}; ${published.changelogs} have a changelog`,
    )
    const claude = await startClaude({ reply: { text: hello } })
    closing.push(() => claude.close())
    const place = { folder, registry: registry.url, claude }
    const uses: FirstUse[] = []
    console.log(row('installed alone', 'packages', 'size', 'install', 'first answer', 'answer'))
    for (const name of [...six, 'gateway' as const]) {
      const use = name === 'gateway' ? await useGateway(place) : await usePackage(name, place)
      uses.push(use)
      const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`
      console.log(
        row(
          ...[`@spillway/${name}`, String(use.packages), `${(use.bytes / 1e6).toFixed(1)} MB`],
          ...[seconds(use.installMs), seconds(use.answerMs), use.answer.slice(0, 60)],
        ),
      )
    }
    const missed = uses.filter(({ name, answer }) => !answer.startsWith(expected[name] ?? hello))
    for (const { name, answer } of missed) console.error(`finding: @spillway/${name} answers ${answer}`)
    return values.check && missed.length > 0 ? 1 : 0
  } finally {
    for (const close of closing.reverse()) await close()
  }
}

const row = (...cells: readonly string[]): string =>
  cells.map((cell, index) => cell.padEnd([38, 10, 10, 9, 14][index] ?? 0)).join('')
