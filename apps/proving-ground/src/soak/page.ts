import { writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { plotSoak } from './plot.ts'
import type { SoakResult } from './run.ts'

const docs = new URL('../../../../docs/', import.meta.url)

/** Writes `docs/soak.md` and `docs/soak.svg`; returns what was written. */
export async function writePage(
  result: SoakResult,
  summary: readonly string[],
  set: { readonly warmUp: number; readonly seed: number; readonly rate: number; readonly workers: number },
): Promise<string[]> {
  const minutes = (result.seconds / 60).toFixed(0)
  const subtitle = `${minutes} minutes at ${set.rate} calls a second, seed ${set.seed}; grey: the first ${set.warmUp} minutes, which do not count`
  const cpu = cpus()[0]?.model.trim() ?? 'unknown processor'
  const lines = result.lines.map(
    ({ what, seen, holds }) => `| ${holds ? 'holds' : 'FAILS'} | ${what} | ${seen} |`,
  )
  const processes = set.workers === 1 ? '' : ` of ${set.workers} workers, all processes together,`
  const text = `# A soak

What the built gateway${processes} holds while calls come at a steady rate and attempts fail: 15 % of the attempts at the first targets
meet a fault. Half of the calls are streams, and 200 streams of half a minute go on beside them; there are several clients, models and
protocols, a fallback, a mirror, and books in SQLite. Meanwhile the configuration is reloaded, and keys of vendors and clients are rotated.

Slopes are the median over all pairs of samples (Theil and Sen), each taken after a garbage collection, once the gateway is warm: during the warm-up prompts are long, so that what limits remember of conversations is full. Connections come and go with
the calls, so that what leaks is what is still open when all calls have ended and the idle connections to the upstreams are closed
(they are kept for 30 s).

![What the gateway holds](soak.svg)

${summary.join('\n\n')}

| | | |
| --- | --- | --- |
${lines.join('\n')}

## Run it

\`\`\`sh
pnpm prove soak --rate ${set.rate} --workers ${set.workers} --check
\`\`\`

Measured on ${new Date().toISOString().slice(0, 10)} with Node.js ${process.version.slice(1)} on ${process.platform} ${process.arch}, ${cpus().length} cores (${cpu}), which upstreams, clients and gateway share.
`
  const files = { 'soak.svg': await plotSoak(result.samples, set.warmUp, subtitle), 'soak.md': text }
  for (const [name, content] of Object.entries(files)) await writeFile(new URL(name, docs), content)
  return Object.keys(files).map((name) => `docs/${name}`)
}
