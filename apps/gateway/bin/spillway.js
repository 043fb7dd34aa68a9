#!/usr/bin/env node
import { readFileSync } from 'node:fs'

// Nothing here, and nothing that this file imports by itself, may need a newer Node than the oldest one still in use:
// whoever has one is to read what is missing, and no stack.
const { version, engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

/** Of `22.19`, or of `>=22.19`. */
const numbersOf = (text) =>
  text
    .replace(/^[^\d]*/, '')
    .split('.')
    .map(Number)

function isOlder(has, needs) {
  const [major, minor] = numbersOf(has)
  const [neededMajor, neededMinor = 0] = numbersOf(needs)
  return major < neededMajor || (major === neededMajor && minor < neededMinor)
}

const asked = process.argv[2]
if (isOlder(process.versions.node, engines.node)) {
  const needed = numbersOf(engines.node).join('.')
  console.error(
    `spillway needs Node.js ${needed} or newer, and this is ${process.versions.node} (${process.execPath}).`,
  )
  process.exitCode = 1
} else if (process.argv.length === 3 && (asked === '--version' || asked === '-V')) {
  console.log(version)
} else {
  // Before anything else is loaded. Node opens its inspector at SIGUSR1, to which every key in this process is readable, and
  // SIGUSR2 and SIGPIPE must not end it either.
  for (const signal of ['SIGUSR1', 'SIGUSR2', 'SIGPIPE']) process.on(signal, () => {})

  if (asked === 'start') (await import('../dist/command/spare-cores.js')).spareCoresForCalls(process)

  // A start runs most of its code once: the compiler that pays off later is left alone, and the heap small, until it serves. What
  // is taken by then stays taken. See decision 0224.
  if (asked === 'start' || asked === 'worker') {
    const { setFlagsFromString } = process.getBuiltinModule('node:v8')
    for (const flag of ['--no-opt', '--semi-space-growth-factor=1']) setFlagsFromString(flag)
  }

  const { run } = await import('../dist/command/cli.js')
  await run(process.argv)
}
