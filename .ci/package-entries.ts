import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly '@spillway/source'?: string }>>
}

/**
 * The modules of a package that are loaded by their names: what it exports, and programs that it starts as threads and processes.
 * @returns names of files in `src`, without their ends
 */
export function packageEntries(folder: string): string[] {
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
  const exported = Object.values(exports).flatMap((target) => {
    const source = typeof target === 'string' ? undefined : target['@spillway/source']
    return /^\.\/src\/(.*)\.ts$/.exec(source ?? '')?.[1] ?? []
  })
  const started = readdirSync(join(folder, 'src')).flatMap(
    (file) => /^(.*-(?:worker|child))\.ts$/.exec(file)?.[1] ?? [],
  )
  return [...exported, ...started]
}
