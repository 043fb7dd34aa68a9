import { globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The folder of the repository. */
export const root: string = fileURLToPath(new URL('../../../', import.meta.url))

/** Where files that are no pages are read. */
export const codeHost = 'https://github.com/spillway/spillway'

/** Files of the repository that are pages of the site, by their paths. */
export function sourcesOf(folder: string): string[] {
  const patterns = [
    '{CONTRIBUTING,SECURITY,CODE_OF_CONDUCT}.md',
    'docs/**/*.md',
    '{apps,packages}/*/README.md',
  ]
  return globSync(patterns, { cwd: folder, exclude: ['**/node_modules/**', 'apps/site/**'] }).sort()
}

const places: Readonly<Record<string, string>> = {
  // The front page of the site says what the README says.
  'README.md': 'index.md',
  'docs/README.md': 'overview.md',
  'docs/deploy/README.md': 'deploy.md',
  'docs/decisions/README.md': 'decisions/index.md',
  'apps/gateway/README.md': 'gateway.md',
  'CONTRIBUTING.md': 'contributing.md',
  'SECURITY.md': 'reporting-security-problems.md',
  'CODE_OF_CONDUCT.md': 'code-of-conduct.md',
}

/** Where a file of the repository is in the site: `guides/claude-code.md`. Undefined for one that is no page. */
export function placeOf(file: string): string | undefined {
  if (Object.hasOwn(places, file)) return places[file]
  const [, kind, name] = /^(apps|packages)\/([^/]+)\/README\.md$/.exec(file) ?? []
  if (kind !== undefined) return `${kind}/${name}.md`
  return /^docs\/(.*\.md)$/.exec(file)?.[1]
}

/** The address of a place below the base of the site: `/guides/claude-code`. */
export function addressOf(place: string): string {
  return `/${place.replace(/(^|\/)index\.md$/, '$1').replace(/\.md$/, '')}`
}
