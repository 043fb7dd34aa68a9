import { fuzzKeys, type KeysResult } from './run.ts'

/** `pnpm prove fuzz --keys`: prints what was found, and resolves with how much that is. */
export async function fuzzWithKeys(options: {
  readonly requests: number
  readonly seed: number
  readonly concurrency: number
}): Promise<number> {
  let printedAt = 0
  const result = await fuzzKeys({
    ...options,
    onFinding: (problem, first) => console.error(`FOUND ${problem}\n    ${first}`),
    onProgress(done, perSecond, findings) {
      if (performance.now() - printedAt < 5_000) return
      printedAt = performance.now()
      console.error(
        `${done} of ${options.requests}, ${perSecond.toFixed(0)}/s, ${findings} kinds of findings`,
      )
    },
  })
  print(result)
  return result.findings.size
}

function print({ findings, kinds, presented, statuses, acts, open, lines, seconds }: KeysResult): void {
  const total = [...kinds.values()].reduce((sum, each) => sum + each, 0)
  console.log(
    `\n${total} requests in ${seconds.toFixed(1)} s, ${open} of them while a key or a permission had just changed\n`,
  )
  for (const [title, counts] of Object.entries({ requests: kinds, keys: presented, answers: statuses, acts }))
    console.log(`${title}: ${list(counts)}\n`)
  for (const line of lines) console.log(line)
  console.log(findings.size === 0 ? '\nnothing found' : `\n${findings.size} kinds of findings`)
  for (const [problem, { count, first }] of findings) console.log(`\n${count} × ${problem}\n    ${first}`)
}

const list = (counts: ReadonlyMap<string, number>): string =>
  [...counts]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')
