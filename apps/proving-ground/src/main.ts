/** Runs one program of the proving ground: `pnpm prove NAME [options]`. */
const programs: Readonly<Record<string, () => Promise<{ main(args: readonly string[]): Promise<number> }>>> =
  {
    day: () => import('./day/main.ts'),
    fuzz: () => import('./fuzz/main.ts'),
    reload: () => import('./reload/main.ts'),
    'sdk-suites': () => import('./sdk-suites/main.ts'),
    shedding: () => import('./shedding/main.ts'),
    soak: () => import('./soak/main.ts'),
    upgrade: () => import('./upgrade/main.ts'),
    venues: () => import('./venues/main.ts'),
  }

const [name = '', ...args] = process.argv.slice(2)
const load = Object.hasOwn(programs, name) ? programs[name] : undefined
if (load === undefined) {
  console.error(`Usage: pnpm prove ${Object.keys(programs).join('|')} [--check] [--help]`)
  process.exitCode = 2
} else {
  try {
    process.exitCode = await (await load()).main(args)
  } catch (error) {
    console.error((error as Error).message)
    process.exitCode = 2
  }
}
