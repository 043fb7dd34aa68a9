import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

/** What a compiled module names by a relative path: imports, exports, workers, types. */
const named = /(?:from |import\(|import |new URL\()(["'])(\.\.?\/[^"']+)\1/g

/**
 * Removes what the compiler has made of modules that only the command uses, which has them in its bundle: they would be published,
 * and import packages that are installed for no one.
 * @param entry the library's module, below `folder`
 * @param kept folders that have other makers
 */
export function removeUnreachable(folder: string, entry: string, kept: readonly string[]): void {
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
  for (const end of ['.js', '.d.ts']) visit(join(folder, `${entry}${end}`))
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const file = join(folder, name)
    if (!/\.(js|d\.ts)$/.test(name) || reached.has(file) || kept.includes(name.split(/[/\\]/)[0] as string))
      continue
    rmSync(file)
    rmSync(`${file}.map`, { force: true })
  }
}
