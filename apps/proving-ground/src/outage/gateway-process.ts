/** The program `spillway`: as it was built, or from its sources where those are asked for. */
const fromSources = process.execArgv.includes('--conditions=@spillway/source')
const { run } = await import(fromSources ? '../../../gateway/src/cli.ts' : '../../../gateway/dist/cli.js')
// It does not outlive whoever has started it.
process.on('disconnect', () => process.exit(0))
await run(process.argv)

export {}
