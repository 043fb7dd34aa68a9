/** Writes files that are made from others: `pnpm generate NAME`. Tests and checks hold each up to date. */
import { spawnSync } from 'node:child_process'

interface Generated {
  readonly what: string
  /** Commands of a shell, one after the other. */
  readonly commands: readonly string[]
}

const generated: Readonly<Record<string, Generated>> = {
  api: {
    what: 'packages/*/etc/api.md: the public API of each package, from its build',
    commands: ["SPILLWAY_ACCEPT_API=1 turbo run check --filter='./packages/*' --output-logs=errors-only"],
  },
  decisions: {
    what: 'docs/decisions/README.md: the index of all decisions',
    commands: ['node .ci/write-decision-index.ts'],
  },
  outputs: {
    what: 'what examples print, in apps/examples/README.md and docs/start',
    commands: ['SPILLWAY_ACCEPT_OUTPUT=1 vitest run apps/examples/test/pages.test.ts'],
  },
  schema: {
    what: 'apps/gateway/spillway.schema.json and docs/configuration.md: all keys of the configuration',
    commands: ['pnpm --filter @spillway/gateway run schema'],
  },
  screenshots: {
    what: 'docs/screenshots: the dashboard in Chromium',
    commands: [
      'turbo run build --filter=@spillway/dashboard --output-logs=errors-only',
      'pnpm --filter @spillway/dashboard run screenshots',
      'SPILLWAY_SCREENSHOTS=docs/screenshots vitest run apps/gateway/test/operator-tasks.test.ts',
    ],
  },
  wasm: {
    what: 'packages/wire/src/json/string-skip-code.ts: what is WebAssembly, from its text',
    commands: [
      'node packages/wire/wasm/write-string-skip.ts',
      'biome format --write packages/wire/src/json/string-skip-code.ts',
    ],
  },
}

const [name = '--help'] = process.argv.slice(2)
const chosen = Object.hasOwn(generated, name) ? generated[name] : undefined
if (chosen !== undefined) {
  const script = chosen.commands.join(' && ')
  const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1' }
  process.exitCode = spawnSync('sh', ['-ec', script], { stdio: 'inherit', env }).status ?? 1
} else {
  const isHelp = name === '--help' || name === '-h'
  const lines = Object.entries(generated).map(([each, { what }]) => `  ${each.padEnd(12)} ${what}`)
  const usage = `Usage: pnpm generate NAME\n\nWrites files that are made from others.\n\n${lines.join('\n')}`
  if (isHelp) console.log(usage)
  else {
    console.error(`\`pnpm generate\` has no ${JSON.stringify(name)}.\n\n${usage}`)
    process.exitCode = 2
  }
}
