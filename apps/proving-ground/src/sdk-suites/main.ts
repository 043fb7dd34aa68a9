import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { allowed } from './allowed.ts'
import { fetchSources, prepare, type Results, runSuite } from './run-suite.ts'
import { suites } from './suites.ts'

const help = `pnpm prove sdk-suites [--only NAME] [--check]
  Runs the test suites of @anthropic-ai/sdk, openai and the AI SDK's providers twice: as they are, and with wrapFetch around the
  fetch of the client. Tests that need a server or a key fail both times and do not count.
  --work FOLDER    where sources and libraries are kept (default: a folder in the system's temporary one)
  --anthropic, --openai, --ai URL|FOLDER    a git repository to take the sources from (default: the public one)
  --check          exits with 1 where a test fails with wrapFetch alone, unless src/sdk-suites/allowed.ts gives the reason`

/** Runs the suites; resolves to the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean' },
      check: { type: 'boolean' },
      only: { type: 'string' },
      work: { type: 'string' },
      anthropic: { type: 'string' },
      openai: { type: 'string' },
      ai: { type: 'string' },
    },
  })
  if (values.help) {
    console.log(help)
    return 0
  }
  const work = values.work ?? join(tmpdir(), 'spillway-sdk-suites')
  await prepare(work)
  let unexplained = 0
  console.log('| suite | sources | tests | pass without | pass with | differ |')
  console.log('| --- | --- | --: | --: | --: | --: |')
  for (const suite of suites) {
    if (values.only !== undefined && values.only !== suite.name) continue
    const source = values[suite.name as 'anthropic' | 'openai' | 'ai'] ?? suite.repository
    const commit = await fetchSources(suite, source, work)
    const plain = await runSuite(suite, work, false)
    if (passed(plain) === 0)
      throw new Error(`${suite.name}: no test passes without the wrapper, so nothing is shown`)
    const wrapped = await runSuite(suite, work, true)
    const differing = differences(plain, wrapped)
    const counts = [plain.size, passed(plain), passed(wrapped), differing.length].join(' | ')
    console.log(`| ${suite.name} | ${commit} | ${counts} |`)
    for (const [name, message] of differing) {
      const reason = allowed.find(([test]) => name.includes(test))?.[1]
      if (reason === undefined) unexplained++
      console.log(`  ${name}\n    ${reason ?? `NOT EXPLAINED: ${message.split('\n').slice(0, 3).join(' ')}`}`)
    }
  }
  return values.check && unexplained > 0 ? 1 : 0
}

const passed = (results: Results): number => [...results.values()].filter((result) => result.passed).length

/** Tests that pass without the wrapper alone, and what they said with it. */
function differences(plain: Results, wrapped: Results): (readonly [name: string, message: string])[] {
  return [...plain]
    .filter(([name, result]) => result.passed && wrapped.get(name)?.passed !== true)
    .map(([name]) => [name, wrapped.get(name)?.message ?? 'did not run'] as const)
}
