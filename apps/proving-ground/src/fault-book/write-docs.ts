import { writeFileSync } from 'node:fs'
import { rules } from './book.ts'
import type { GatewayAdapter } from './gateways/gateway.ts'
import { attempts, limits } from './limits.ts'
import type { Verdict } from './observation.ts'
import { countFaults } from './row.ts'
import { cellOf, countVerdicts, expectation, groupVerdicts, markdownTable } from './table.ts'

/** A gateway and what came of its rows. */
export interface Column {
  readonly adapter: GatewayAdapter
  readonly verdicts: readonly Verdict[]
  readonly seconds: number
}

const file = new URL('../../../../docs/fault-book.md', import.meta.url)

/** What users complain of that a row cannot show, since it takes more than one call, and the test that shows it. */
const elsewhere: readonly (readonly [complaint: string, test: string])[] = [
  [
    'dead keys eat the attempts while healthy ones idle (maximhq/bifrost#5876)',
    'apps/gateway/test/vendor-errors.test.ts',
  ],
  [
    'a fallback that cannot take the request ends the chain before a third target',
    'apps/gateway/test/vendor-errors.test.ts',
  ],
  ['the usage of a cancelled stream is lost (BerriAI/litellm#14457)', 'packages/attempt/src/attempt.test.ts'],
  [
    'concurrent calls overshoot a token limit (BerriAI/litellm#18730)',
    'packages/rate-limit/src/limited-vendor.test.ts',
  ],
  [
    'a flat reservation refuses the first call (BerriAI/litellm#29193)',
    'packages/rate-limit/src/token-estimator.test.ts',
  ],
  [
    'a limit is multiplied by the replicas (BerriAI/litellm#40291)',
    'packages/rate-limit/src/shared-limiter.test.ts',
  ],
  [
    'raw keys in the audit log and in errors (BerriAI/litellm#31620, #15799)',
    'apps/gateway/test/canary-paths.test.ts',
  ],
  [
    'a rotated key is refused in its grace period (BerriAI/litellm#27193)',
    'apps/gateway/test/key-rotation.test.ts',
  ],
  [
    'a breaker that never opens (Portkey-AI/gateway#1289)',
    'packages/circuit-breaker-fallback/src/circuit-breaker.test.ts',
  ],
  ['the end of the connection is awaited behind the last event', 'packages/attempt/src/attempt.test.ts'],
  ['raw deflate and stacked encodings', 'packages/core-client/src/content-decoding.test.ts'],
  [
    'a hook or a listener that throws or hangs takes a call, its slot or the process with it',
    'apps/proving-ground/src/composition/broken-hooks.test.ts',
  ],
  [
    'an option that is `undefined` means something else than its default',
    'packages/*/src/undefined-options.test.ts',
  ],
  [
    'what a failed, cut or incomplete response has used is not booked (Responses)',
    'apps/gateway/test/responses-usage.test.ts',
  ],
  [
    'errors, bodies and responses of a `fetch` of one\u2019s own',
    'packages/attempt/src/foreign-fetch.test.ts',
  ],
]

/** What no row can show yet, and why. */
const notYet: readonly (readonly [complaint: string, needs: string])[] = [
  [
    'a connection that is never accepted (connect timeout)',
    'a simulated server that leaves connections hanging',
  ],
  ['a stream that pings for ever after its first content', 'a word of the specification on it'],
]

/** Writes docs/fault-book.md. */
export function writeDocs(columns: readonly Column[]): void {
  writeFileSync(file, docsOf(columns, new Date()))
}

function docsOf(columns: readonly Column[], today: Date): string {
  const verdicts = columns[0]?.verdicts ?? []
  const rows = verdicts.map(({ row }) => row)
  const counts = columns.map(({ adapter, verdicts, seconds }) => {
    const { passed, failed, onlyBytes, notJudged } = countVerdicts(verdicts)
    return [
      `${adapter.name} ${adapter.version}`,
      `${passed}`,
      `${failed}`,
      `${onlyBytes}`,
      `${notJudged}`,
      `${seconds.toFixed(0)} s`,
    ]
  })
  return `# The fault book

What goes wrong at the upstreams of a gateway, and what must come of it. ${countFaults(rows)} faults in ${rows.length} rows:
each fault with JSON and with SSE, in Anthropic's protocol and in both of OpenAI's, alone and with a second target to fall back
on. The simulated upstreams of \`@spillway/testing\` fail on cue; the caller keeps every byte; the upstreams keep every
attempt.

${markdownTable(['gateway', 'rows that hold', 'rows that fail', 'by bytes alone', 'not judged', 'took'], counts)}

Measured on ${today.toISOString().slice(0, 10)}, Node ${process.version.slice(1)}.

## Run it

\`\`\`sh
pnpm build
pnpm prove fault-book --check                  # Spillway
pnpm prove fault-book --filter 'retry-after'   # some rows
pnpm prove fault-book --gateway portkey        # another gateway; or claude, Anthropic's
pnpm prove fault-book --base-url http://127.0.0.1:8080 --config-note 'as shipped'
pnpm prove fault-book --soak 10000             # what do 10,000 faulty calls leave behind?
pnpm prove fault-book --write-docs             # this page
\`\`\`

## How rows are judged

Every gateway has the same limits: ${limits.total} ms for the call, ${limits.headers} ms to the headers and to the first
content, ${limits.idle} ms of silence within a body, ${attempts} attempts, as far as it knows such limits. A row holds
when everything in it does. One that fails is run once more for this page, and counts by what it comes to then, since a busy
machine takes longer than limits allow; \`--check\` gives Spillway's rows one try:

- **The caller** gets the status, the text and, where it says so, the upstream's bytes; a stream ends well or with an
  error event, never like a whole one after a cut; errors have the form of the caller's protocol; \`retry-after\` says
  what is left to wait; all in the time given.
- **The upstream** gets so many attempts, alike in their bytes, none before the time that it asked for; its connection is
  closed soon after a timeout or after the caller has left, and then nobody is asked any more.
- Of Spillway alone: the status of errors that it words itself, \`x-should-retry: false\` on final errors,
  \`x-spillway-attempts\`, \`x-spillway-served-by\`, \`x-spillway-fallback\`, taking over streams, keep-alives, rows in which the
  upstreams speak another protocol than the caller (\`responses sse at anthropic\`), numbers and items of streams that it writes.

${columns.map(({ adapter }) => `**${adapter.name} ${adapter.version}.** ${adapter.note}`).join('\n\n')}

Left out, by rule:

${rules.map((rule) => `- ${rule}`).join('\n')}

## Rows

A line is a fault in a scenario, in the shapes that it has; a cell says in how many of them the row holds, and the first
thing that does not.

${sections(columns)}

## Shown elsewhere

${markdownTable(
  ['what users complain of', 'shown by'],
  elsewhere.map(([complaint, test]) => [complaint, `\`${test}\``]),
)}

## Not a row yet

${markdownTable(['what users complain of', 'waits for'], notYet)}
`
}

function sections(columns: readonly Column[]): string {
  const [first] = columns
  if (first === undefined) return ''
  const others = columns.map(({ verdicts }) => groupVerdicts(verdicts))
  const groups = groupVerdicts(first.verdicts)
  const names = [...new Set(groups.map((each) => each.first.group))]
  return names
    .map((name) => {
      const lines = groups.flatMap((each, index) => {
        if (each.first.group !== name) return []
        const { complaint, scenario } = each.first
        const expected = [...new Set(each.verdicts.map(({ row }) => expectation(row)))].join(' / ')
        const title = complaint === undefined ? each.title : `${each.title} (${complaint})`
        return [[title, scenario, expected, ...others.map((all) => cellOf(all[index]?.verdicts ?? []))]]
      })
      const head = ['fault', 'scenario', 'expected', ...columns.map(({ adapter }) => adapter.name)]
      return `### ${name}\n\n${markdownTable(head, lines)}`
    })
    .join('\n\n')
}
