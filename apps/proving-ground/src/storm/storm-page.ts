import { writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { plotErrorRates } from './plot.ts'
import { publishedReduction, type Report, type Storm } from './report.ts'
import { markdown } from './text.ts'

const docs = new URL('../../../../docs/', import.meta.url)

/** Writes `docs/storm.md` and its plot of the first storm. Returns what was written. */
export async function writePage(
  storms: readonly [Storm, ...Storm[]],
  reports: readonly Report[],
  set: string,
): Promise<string[]> {
  const [{ runs, schedule }] = storms
  const files = { 'storm.svg': await plotErrorRates(runs, schedule), 'storm.md': page(reports, set) }
  for (const [name, text] of Object.entries(files)) await writeFile(new URL(name, docs), text)
  return Object.keys(files).map((name) => `docs/${name}`)
}

function page(reports: readonly Report[], set: string): string {
  const date = new Date().toISOString().slice(0, 10)
  const cpu = cpus()[0]?.model.trim() ?? 'unknown processor'
  return `# A storm

How calls to Claude fare while attempts fail as they do on bad days: called directly, through retries, and with a
local model to fall back on. The three ways make the same calls and meet the same faults. For reference: the published
figure to beat is an error rate ${publishedReduction} lower than direct.

${set}

![The error rate over time](storm.svg)

${reports.map(markdown).join('\n\n')}

## Run it

\`\`\`sh
pnpm build
pnpm prove storm --check
\`\`\`

\`--help\` lists the options; \`--write-docs\` writes this page. The same seed gives the same figures on the virtual clock,
on any machine; those over real sockets differ a little from run to run.

Measured on ${date} with Node.js ${process.version.slice(1)} on ${process.platform} ${process.arch}, ${cpus().length} cores (${cpu}), Spillway from source.
`
}
