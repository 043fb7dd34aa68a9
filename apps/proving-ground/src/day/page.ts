import { writeFile } from 'node:fs/promises'
import { columns, type DayFigures, judgeDay, seedColumns, seedRow, tableOf } from './judge.ts'
import { plotDay } from './plot.ts'
import type { DayOptions, DayResult } from './run.ts'

const docs = new URL('../../../../docs/', import.meta.url)

/** A day by both schedulers. */
export interface SimulatedDay {
  readonly seed: number
  readonly limiter: DayResult
  readonly perfect: DayResult
  readonly figures: DayFigures
}

/** Writes `docs/day.md` and `docs/day.svg`, of the first day and a line of each; returns what was written. */
export async function writePage(
  days: readonly SimulatedDay[],
  { hours, agents, startHour }: DayOptions,
): Promise<string[]> {
  const { seed, limiter, perfect, figures } = days[0] as SimulatedDay
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const table = [
    row(columns),
    row(columns.map((_, at) => (at < 2 ? '---' : '---:'))),
    ...[limiter, perfect].flatMap(tableOf).map(row),
  ]
  const seeds = [
    row(seedColumns),
    row(seedColumns.map(() => '---:')),
    ...days.map((day) => row(seedRow(day.seed, day.figures))),
  ]
  const { inputTokensPerMinute = 0, outputTokensPerMinute = 0, requestsPerMinute = 0 } = limiter.limits
  const text = `# A day of agents

What the limiter lets through to a vendor whose limits are real, beside a scheduler that knows everything. ${agents} agents, ${hours} hours,
seed ${seed}, on the virtual clock.

![Input let through over the day](day.svg)

## The traffic

- Agents hold conversations: the prompt begins with 5,000 tokens and more, grows by about a ninth each turn, and ends with up to
  800,000. What was said before is read from the prompt cache, some nine tenths of all; it is lost after five minutes, when
  a person has gone away or a call has waited.
- Some turns add an image. Before each call there is a \`count_tokens\`. Between turns tools run for seconds; 2 % of the pauses take
  minutes. Work has two peaks, a lunch and a night.
- 1 % of the attempts fail with 529, and 1 % with a 429 that names one to three seconds, whatever the limits say: for so long the pool is
  closed. Agents wait as they are told, and call again.
- Other programs use a quarter of each of the vendor's pools on average, in spells of more and of less. Their calls are not seen here but in
  the vendor's headers.

## The limits

The vendor is \`enforceLimits\` of [@spillway/testing](../packages/testing/README.md#limits): token buckets for each model, input without cache
reads, output as it is generated, counts of tokens apart, headers rounded to thousands, as of the moment when a call came. Our own limits
are what others leave, three quarters: ${requestsPerMinute} requests, ${inputTokensPerMinute} tokens of input and ${outputTokensPerMinute} of output a minute and model. The limiter
has those and its defaults.

## The perfect scheduler

It knows what each call will take, the cache included, and what the vendor has left, at every moment; and it keeps our own limits. Of the
calls that wait, the smallest goes first, whoever is large waits for as long as it takes, and none is refused: it gives fairness up for
more calls. The same agents with the same random seed call through it, in a separate run: who is answered later also asks later.

${table.join('\n')}

Waits are from the call to the attempt that was answered, with all refusals and faults in between.

| | | |
| --- | --- | --- |
${judgeDay(figures)
  .map(({ what, seen, holds }) => row([holds ? 'holds' : 'FAILS', what, seen]))
  .join('\n')}

- **A refusal is wrong** when the vendor had capacity for the call and for all that had come before it and waited, and our own limits had
  too, by what was really used. Capacity that earlier calls wait for is not free: whoever got it would have the large ones wait for ever. How many
  refusals there were beside such capacity is shown, too.
- **Output** is known when it has been generated, up to minutes after its call was let through, and a stream that has begun cannot be
  held back. So what a limiter can hold is what calls have used or reserved whenever it lets one through: that is never more
  than the limit. What a minute generates is then within the limit except for two amounts that cannot be known in advance: what answers in
  flight come to beyond what was reserved for them, and what calls still generate that were let through more than a minute before. The
  check takes these, and nothing else, from each minute, by books beside the limiter. Why, and what more caution costs: decisions
  [0109](decisions/0109-what-was-refused-at-the-edge.md) and [0133](decisions/0133-output-is-limited-by-what-is-reserved.md).

## Other seeds

${seeds.join('\n')}

Shares of what the perfect scheduler lets through; the most that any minute had of our own limits.

## Run it

\`\`\`sh
pnpm prove day --check
pnpm prove day --days 5 --write-docs
pnpm prove day --hours 1 --agents 50 --start 10
\`\`\`

Simulated on ${new Date().toISOString().slice(0, 10)} with Node.js ${process.version.slice(1)}.
`
  const subtitle = `${agents} agents, seed ${seed}; grey: our own limit`
  const svg = await plotDay(limiter, perfect, startHour, subtitle)
  await writeFile(new URL('day.svg', docs), svg)
  await writeFile(new URL('day.md', docs), text)
  return ['docs/day.svg', 'docs/day.md']
}
