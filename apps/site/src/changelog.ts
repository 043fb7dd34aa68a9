import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The page of what changed: what the next release has, from the changesets, and what releases had, from the changelogs. */
export function changelog(root: string): string {
  const changes = globSync('.changeset/*.md', { cwd: root })
    .filter((file) => !file.endsWith('README.md'))
    .sort()
    .map((file) => changeOf(readFileSync(join(root, file), 'utf8')))
  const names = [...new Set(changes.flatMap(({ packages }) => packages))].sort()
  const released = globSync('packages/*/CHANGELOG.md', { cwd: root }).sort()
  return [
    '# Changelog',
    'Versions follow [semantic versioning](https://semver.org); before 1.0.0 a minor version may break what an older one allowed, and says so here.',
    ...(changes.length === 0 ? [] : ['## Next release']),
    ...names.map((name) => {
      const own = changes.filter(({ packages }) => packages[0] === name)
      return own.length === 0 ? '' : [`### ${name}`, ...own.map(({ text }) => asItem(text))].join('\n\n')
    }),
    ...released.map((file) => readFileSync(join(root, file), 'utf8').replaceAll(/^#/gm, '##')),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
}

interface Change {
  readonly packages: readonly string[]
  readonly text: string
}

function changeOf(changeset: string): Change {
  const [, head = '', text = ''] = /^---\n([\s\S]*?)\n?---\n([\s\S]*)$/.exec(changeset) ?? []
  return {
    packages: [...head.matchAll(/["']([^"']+)["']:/g)].map(([, name]) => name as string),
    text: text.trim(),
  }
}

const asItem = (text: string): string => `- ${text.replaceAll(/\n(?=.)/g, '\n  ')}`
