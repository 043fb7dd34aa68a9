import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'

/** What a compiled module names by a relative path: imports, exports, workers, types. */
const named = /(?:from |import\(|import |new URL\()(["'])(\.\.?\/[^"']+)\1/g

/**
 * Removes compiled modules that no entry reaches: what only the command of the gateway uses, which has it in its bundle, and what an
 * earlier build has left. It would be published, and may import packages that are installed for no one.
 * @param entries files below `folder`; of declarations none is removed unless one is named here
 * @param kept folders that have other makers
 */
export function removeUnreachable(folder: string, entries: readonly string[], kept: readonly string[]): void {
  const reached = new Set<string>()
  const visit = (file: string): void => {
    if (reached.has(file)) return
    reached.add(file)
    for (const [, , path = ''] of readFileSync(file, 'utf8').matchAll(named)) {
      const next = resolve(dirname(file), path)
      if (next.endsWith('.json') || !relative(folder, next) || relative(folder, next).startsWith('..'))
        continue
      visit(file.endsWith('.d.ts') ? next.replace(/\.[jt]s$/, '.d.ts') : next.replace(/\.ts$/, '.js'))
    }
  }
  for (const entry of entries) visit(resolve(folder, entry))
  const ends = ['.js', '.d.ts'].filter((end) => entries.some((entry) => entry.endsWith(end)))
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const file = resolve(folder, name)
    const isOurs = ends.some((end) => name.endsWith(end)) && !kept.includes(name.split(/[/\\]/)[0] as string)
    if (!isOurs || reached.has(file)) continue
    rmSync(file)
    rmSync(`${file}.map`, { force: true })
  }
}
