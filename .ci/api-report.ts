import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor'

/** Where the public API of a package is written down, below the package. */
const reportFolder = 'etc'

/** Exports with types, by their names in `exports`: `.` and sub-paths. */
type Exports = Readonly<Record<string, string | { readonly types?: string }>>

const silent = { default: { logLevel: ExtractorLogLevel.None } }

/**
 * Compares the declarations that a package publishes with the report in its folder `etc`, which reviewers read. What is not
 * there yet is written.
 * @param accept whether to write what has changed, instead of saying so
 * @returns what is wrong
 */
export function apiProblems(folder: string, exports: Exports, accept: boolean): string[] {
  mkdirSync(join(folder, reportFolder), { recursive: true })
  return Object.entries(exports).flatMap(([path, target]) => {
    const types = typeof target === 'string' ? undefined : target.types
    if (types === undefined) return []
    const name = path === '.' ? 'api.md' : `${path.slice(2).replaceAll('/', '-')}.api.md`
    const file = join(folder, reportFolder, name)
    const report = reportOf(folder, types)
    const before = existsSync(file) ? readFileSync(file, 'utf8') : undefined
    if (before === report) return []
    if (accept || (before === undefined && process.env.CI === undefined)) {
      writeFileSync(file, report)
      return []
    }
    const difference = firstDifference(before ?? '', report)
    return [
      `api: the public types differ from ${reportFolder}/${name} (${difference}): if that is meant, "pnpm generate api" writes it again; say it in the changeset`,
    ]
  })
}

function reportOf(folder: string, types: string): string {
  const scratch = join(folder, 'node_modules', '.cache', 'api')
  mkdirSync(scratch, { recursive: true })
  const entry = join(folder, types)
  const { succeeded } = Extractor.invoke(
    ExtractorConfig.prepare({
      configObjectFullPath: join(folder, 'api-extractor.json'),
      packageJsonFullPath: join(folder, 'package.json'),
      configObject: {
        projectFolder: folder,
        mainEntryPointFilePath: entry,
        compiler: {
          overrideTsconfig: {
            compilerOptions: {
              ...{ target: 'es2024', lib: ['es2024', 'dom', 'dom.iterable'], types: ['node'] },
              ...{ module: 'nodenext', moduleResolution: 'nodenext', skipLibCheck: true, strict: true },
            },
            files: [entry],
          },
        },
        apiReport: {
          enabled: true,
          reportFileName: 'public',
          ...{ reportFolder: scratch, reportTempFolder: join(scratch, 'temp') },
        },
        docModel: { enabled: false },
        dtsRollup: { enabled: false },
        tsdocMetadata: { enabled: false },
        messages: {
          ...{ extractorMessageReporting: silent, tsdocMessageReporting: silent },
          compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        },
      },
    }),
    {
      localBuild: true,
      messageCallback(message) {
        message.handled = message.logLevel !== ExtractorLogLevel.Error
      },
    },
  )
  if (!succeeded) throw new Error(`the types of ${entry} cannot be read`)
  // Line ends as in the repository.
  return readFileSync(join(scratch, 'public.api.md'), 'utf8').replaceAll('\r\n', '\n')
}

function firstDifference(before: string, after: string): string {
  const [old, now] = [before.split('\n'), after.split('\n')]
  const at = now.findIndex((line, index) => line !== old[index])
  return at === -1 ? `${old.length - now.length} lines less` : `line ${at + 1}: ${now[at]?.trim()}`
}
