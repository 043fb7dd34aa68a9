import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { openApi } from '@spillway/gateway-api'
import { cliReference } from './cli-reference.ts'
import { withCodeGroups } from './code-groups.ts'
import { frontPage } from './front-page.ts'
import { httpApi, type OpenApi } from './http-api.ts'
import { withLinksInSite } from './links.ts'
import { llmsText } from './llms.ts'
import { placeOf, root, sourcesOf } from './pages.ts'

/** Where the pages of the site are written; not in Git. */
export const pagesFolder: string = join(root, 'apps/site/pages')

/** Writes all pages of the site, from the files of the repository and from the programs. @param url of the site */
export async function gather(url: string): Promise<void> {
  rmSync(pagesFolder, { recursive: true, force: true })
  mkdirSync(join(pagesFolder, 'public'), { recursive: true })
  for (const file of sourcesOf(root)) gatherFile(file)
  write('index.md', frontPage(root))
  write('packages/index.md', packagesPage())
  const { commandTree } = await import('../../gateway/src/cli.ts')
  const source = (file: string): string => `---\nsource: ${file}\n---\n\n`
  write('cli.md', source('apps/gateway/src/cli.ts') + cliReference(await commandTree()))
  write(
    'http-api.md',
    source('packages/gateway-api/src/questions.ts') + httpApi(openApi() as unknown as OpenApi),
  )
  const changes = readFileSync(join(root, 'CHANGELOG.md'), 'utf8')
  // It names every package: searches for one of them would find it first.
  write(
    'changelog.md',
    `---\nsource: CHANGELOG.md\nsearch: false\n---\n\n${withLinksInSite('CHANGELOG.md', changes)}`,
  )
  cpSync(join(root, 'apps/site/logo.svg'), join(pagesFolder, 'public/logo.svg'))
  write('public/llms.txt', llmsText(root, url))
  for (const image of globSync('docs/**/*.{png,svg}', { cwd: root }))
    cpSync(join(root, image), join(pagesFolder, 'public', image))
}

/** Writes the page of one file. */
export function gatherFile(file: string): void {
  const place = placeOf(file)
  if (place === undefined) return
  const text = readFileSync(join(root, file), 'utf8')
  const head = `---\nsource: ${file}\ndescription: ${JSON.stringify(descriptionOf(text))}\n---\n\n`
  write(place, head + withCodeGroups(withLinksInSite(file, text)))
  // For programs that read: the text as it is.
  write(`public/${place}`, text)
}

/** The table of packages in the README, as a page. */
function packagesPage(): string {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const [, table] = /^## Packages\n+([\s\S]*?)\n\n(?!\|)/m.exec(readme) ?? []
  if (table === undefined) throw new Error('README.md has no table of packages')
  const text = `# Packages

Each is useful alone and has a \`README\` with its options and their defaults, events and errors; [which one do I need?](docs/guides/which-package.md)
goes by what hurts. All are ES modules for Node.js >= 22.19.

${table}
`
  return `---\nsource: README.md\n---\n\n${withLinksInSite('README.md', text)}`
}

/** The first paragraph, without marks of Markdown: what a search engine shows. */
function descriptionOf(text: string): string {
  const paragraph = text.split(/\n\s*\n/).find((part) => /^[^#<`|\-*\s]/.test(part)) ?? ''
  const plain = paragraph.replaceAll(/\[([^\]]+)\]\([^)]+\)/g, '$1').replaceAll(/[`*]/g, '')
  const [short = ''] = /^.{0,200}(?=\s|$)/.exec(plain.replaceAll(/\s+/g, ' ')) ?? []
  return short
}

function write(place: string, text: string): void {
  const file = join(pagesFolder, place)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}
