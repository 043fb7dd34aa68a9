import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const compiler = join(fileURLToPath(import.meta.resolve('typescript/package.json')), '..', 'bin', 'tsc')

/** A row of the table "Events" of a README. */
interface DocumentedEvent {
  readonly type: string
  readonly fields: readonly string[]
}

/** Events of the vault and of budgets belong to no call. */
const unions: Readonly<Record<string, readonly [name: string, from: string]>> = {
  '@spillway/key-vault': ['VaultEvent', '@spillway/key-vault'],
  '@spillway/budgets': ['BudgetEvent', '@spillway/budgets'],
}

/**
 * Compiles what a user of a package alone can write about its events: a declaration merged in a module that `index.d.ts` does not
 * reach is lost to them, which no test of the sources sees.
 * @returns events and fields of the README that the published types lack
 */
export function eventProblems(folder: string, name: string): string[] {
  const events = documentedEvents(readFileSync(join(folder, 'README.md'), 'utf8'))
  if (events.length === 0) return []
  const [union, from] = unions[name] ?? ['SpillwayEvent', '@spillway/middleware']
  const lines = events.flatMap(({ type, fields }) =>
    fields.map((field) => `export declare const _: Field<'${type}', '${field}'>`),
  )
  const scratch = join(folder, 'node_modules', '.cache', 'event-types')
  mkdirSync(scratch, { recursive: true })
  writeFileSync(
    join(scratch, 'events.ts'),
    [
      `import '${name}'`,
      `import type { ${union} } from '${from}'`,
      `type Named<T extends ${union}['type']> = Extract<${union}, { readonly type: T }>`,
      `type Field<T extends ${union}['type'], K extends keyof Named<T>> = Named<T>[K]`,
      ...lines.map((line, index) => line.replace('const _', `const _${index}`)),
      '',
    ].join('\n'),
  )
  const config = {
    compilerOptions: {
      ...{ target: 'es2024', lib: ['es2024', 'dom', 'dom.iterable'], types: ['node'], strict: true },
      ...{ module: 'nodenext', moduleResolution: 'nodenext', skipLibCheck: true, noEmit: true },
    },
    files: ['events.ts'],
  }
  writeFileSync(join(scratch, 'tsconfig.json'), JSON.stringify(config))
  const { status, stdout, error } = spawnSync(
    process.execPath,
    [compiler, '-p', scratch, '--pretty', 'false'],
    { encoding: 'utf8' },
  )
  if (error !== undefined) throw error
  if (status === 0) return []
  return stdout
    .split('\n')
    .filter((line) => line.includes('error'))
    .map((line) => `events of the README: ${line.slice(line.indexOf('error'))}`)
}

/** Rows of the table below "## Events", whose columns `event` and `data` may be in any order. */
function documentedEvents(readme: string): DocumentedEvent[] {
  const section = /^## Events\n(.*?)(?=^## |$(?![\s\S]))/ms.exec(readme)?.[1] ?? ''
  const [head, , ...rows] = section
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map(cellsOf)
  if (head === undefined) return []
  const [event, data] = [head.indexOf('event'), head.indexOf('data')]
  return rows.map((cells) => {
    const fields = [...(cells[data] ?? '').matchAll(/`([^`]+)`/g)].map(([, field = '']) => field)
    return { type: (cells[event] ?? '').replaceAll('`', ''), fields: ['type', ...fields] }
  })
}

const cellsOf = (line: string): string[] =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim())
