import { parseArgs } from 'node:util'

/** Whether `--check` is given to a benchmark that has no other options; with `--help` it prints `about` and ends the process. */
export function checkOption(name: string, about: string): boolean {
  const { values } = parseArgs({
    options: { check: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h' } },
  })
  if (values.help) {
    console.log(
      `Usage: pnpm bench ${name} [--check]\n\n${about}\n\n  --check   exit with 1 when a bound is missed`,
    )
    process.exit(0)
  }
  return values.check
}
