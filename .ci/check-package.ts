/**
 * Checks the package in the current folder as npm users will get it: packs it, then lints the tarball (publint),
 * resolves its types (arethetypeswrong), weighs its code against the budget in `package.json` and compares its public API with the
 * report in `etc`.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { apiProblems } from './api-report.ts'
import { eventProblems } from './event-types.ts'
import { packageEntries } from './package-entries.ts'
import { removeUnreachable } from './reachable.ts'

interface Manifest {
  readonly name: string
  readonly engines?: { readonly node: string }
  readonly exports?: Readonly<Record<string, string | { readonly types?: string }>>
  /** The size budget of the package's own code, in bytes of gzipped JavaScript. */
  readonly sizeBudget?: number
  /** The same of `dist/command`: a program in few files, with the packages of others that it uses. */
  readonly commandBudget?: number
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest
const folder = mkdtempSync(join(tmpdir(), 'spillway-pack-'))
const problems: string[] = []
/** What others build on; programs have a command line and a configuration instead. */
const isLibrary = basename(dirname(process.cwd())) === 'packages'

try {
  removeLeftovers('dist')
  execFileSync('pnpm', ['pack', '--pack-destination', folder], { stdio: ['ignore', 'ignore', 'inherit'] })
  const tarball = readFileSync(join(folder, readdirSync(folder)[0] as string))
  const data = tarball.buffer.slice(
    tarball.byteOffset,
    tarball.byteOffset + tarball.byteLength,
  ) as ArrayBuffer

  const linted = await publint({ pack: { tarball: data }, strict: true })
  for (const message of linted.messages) problems.push(`publint: ${formatMessage(message, linted.pkg)}`)

  const types = await checkPackage(createPackageFromTarballData(new Uint8Array(data)))
  if (types.types === false) problems.push('types: the package has none')
  else {
    // The packages are ESM only: the resolutions of old, and `require` of an ES module, are out of scope.
    const relevant = types.problems.filter(
      (problem) =>
        !('resolutionKind' in problem) ||
        problem.resolutionKind === 'node16-esm' ||
        problem.resolutionKind === 'bundler',
    )
    for (const problem of relevant.filter(({ kind }) => kind !== 'CJSResolvesToESM'))
      problems.push(`types: ${JSON.stringify(problem)}`)
  }

  const size = weigh('dist')
  if (manifest.sizeBudget === undefined) problems.push('size: package.json has no sizeBudget')
  else if (size > manifest.sizeBudget)
    problems.push(`size: ${size} bytes gzipped, budget ${manifest.sizeBudget}`)
  if (existsSync('dist/command')) {
    const command = gzipped(scriptsIn('dist/command'))
    if (command > (manifest.commandBudget ?? 0))
      problems.push(`size: the command has ${command} bytes gzipped, commandBudget ${manifest.commandBudget}`)
  }
  if (isLibrary) {
    const needed = `Node.js ${manifest.engines?.node.replace('>=', '>= ')}, ES modules.`
    if (!readFileSync('README.md', 'utf8').includes(needed))
      problems.push(`README.md: does not say "${needed}"`)
    problems.push(
      ...apiProblems(process.cwd(), manifest.exports ?? {}, process.env.SPILLWAY_ACCEPT_API === '1'),
    )
    problems.push(...eventProblems(process.cwd(), manifest.name))
  }
  console.log(
    `${manifest.name}: ${size} of ${manifest.sizeBudget} bytes gzipped, ${problems.length} problems`,
  )
} finally {
  rmSync(folder, { recursive: true })
}

for (const problem of problems) console.error(`  ${problem}`)
process.exitCode = problems.length === 0 ? 0 : 1

/** What an earlier build has made of sources that have moved since: the compiler leaves it there, and it would be packed. */
function removeLeftovers(directory: string): void {
  for (const file of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    const name = /^(?!dashboard\/|command\/|copies\/)(.*)\.d\.ts$/.exec(file)?.[1]
    if (name === undefined || existsSync(join('src', `${name}.ts`)) || existsSync(join('src', `${name}.tsx`)))
      continue
    for (const end of ['.js', '.js.map', '.d.ts']) rmSync(join(directory, `${name}${end}`), { force: true })
  }
  if (!isLibrary) return
  removeUnreachable(
    directory,
    packageEntries('.').map((entry) => `${entry}.js`),
    ['copies'],
  )
}

/** Pages for browsers have a budget of their own, which their own package checks; so has the command. Copies are the code of others. */
function weigh(directory: string): number {
  return gzipped(scriptsIn(directory).filter((file) => !/^dist\/(dashboard|command|copies)\//.test(file)))
}

function scriptsIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.js'))
    .map((file) => join(directory, file))
    .sort()
}

function gzipped(files: readonly string[]): number {
  const code = files.map((file) => readFileSync(file, 'utf8').replace(/\/\/# sourceMappingURL=.*/, ''))
  return gzipSync(code.join('\n')).length
}
