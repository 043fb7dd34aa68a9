import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { linkInSite } from './links.ts'

export interface SidebarGroup {
  text: string
  collapsed?: boolean
  items: { text: string; link: string }[]
}

/** The sidebar: what `docs/README.md` lists under its headings, and the pages that only the site has. */
export function sidebarOf(root: string, packages: readonly string[]): SidebarGroup[] {
  const groups = listed(root)
  const after = (heading: string): number => groups.findIndex(({ text }) => text === heading) + 1
  groups.splice(after('Build'), 0, {
    text: 'Packages',
    items: [
      { text: 'Overview', link: '/packages/' },
      ...packages.map((name) => ({ text: name, link: `/packages/${name}` })),
    ],
  })
  groups.splice(after('Operate'), 0, {
    text: 'Reference',
    items: [
      { text: 'Configuration', link: '/configuration' },
      { text: 'Command line', link: '/cli' },
      { text: 'HTTP API', link: '/http-api' },
      { text: 'Changelog', link: '/changelog' },
    ],
  })
  return groups.map((group) => ({ ...group, collapsed: false }))
}

function listed(root: string): SidebarGroup[] {
  const file = 'docs/README.md'
  const [, ...sections] = readFileSync(join(root, file), 'utf8').split(/^## /m)
  return sections.map((section) => ({
    text: section.slice(0, section.indexOf('\n')),
    items: section
      .split('\n')
      .filter((line) => line.startsWith('- '))
      .flatMap((line) => [...line.matchAll(/\[([^\]]+)\]\(([^)]+)\)/g)])
      .map(([, text = '', link = '']) => ({
        text: text.charAt(0).toUpperCase() + text.slice(1),
        link: linkInSite(file, link),
      }))
      .filter(({ link }) => link !== '/configuration'),
  }))
}
