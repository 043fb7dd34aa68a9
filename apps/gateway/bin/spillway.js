#!/usr/bin/env node
// Before anything else is loaded. Node opens its inspector at SIGUSR1, to which every key in this process is readable, and
// SIGUSR2 and SIGPIPE must not end it either.
for (const signal of ['SIGUSR1', 'SIGUSR2', 'SIGPIPE']) process.on(signal, () => {})

const { run } = await import('../dist/cli.js')
await run(process.argv)
