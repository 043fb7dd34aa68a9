import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path/posix'
import { addressOf, codeHost, placeOf, root } from './pages.ts'

/** Parts of the README that are pages of the site. */
const anchorsOfReadme: Readonly<Record<string, string>> = {
  '#packages': '/packages/',
  '#the-gateway': '/start/gateway',
}

/**
 * Where a link of a file of the repository leads in the site: to a page of it, to a file beside the page (an image), or to the code host.
 * @param file that has the link, from the root of the repository
 */
export function linkInSite(file: string, link: string): string {
  if (/^[a-z]+:/.test(link) || link.startsWith('#') || link.startsWith('/')) return link
  const [path = '', hash = ''] = link.split(/(?=#)/)
  const to = join(file, '..', decodeURI(path)).replace(/\/$/, '')
  if (to === 'README.md' && hash in anchorsOfReadme) return anchorsOfReadme[hash] ?? link
  if (to === 'llms.txt') return '/llms.txt'
  if (/\.(png|svg)$/.test(to)) return `/${to}`
  const isFolder = statSync(join(root, to)).isDirectory()
  const readme = `${to}/README.md`
  const place = placeOf(isFolder && existsSync(join(root, readme)) ? readme : to)
  if (place !== undefined) return `${addressOf(place)}${hash}`
  return `${codeHost}/${isFolder ? 'tree' : 'blob'}/main/${to}${hash}`
}

/** Changes what is not code in a text of Markdown. */
export function changeProse(text: string, change: (prose: string) => string): string {
  // With a group that captures, `split` gives what is between and what separates in turn.
  const between = (parts: readonly string[], inner: (part: string) => string): string =>
    parts.map((part, index) => (index % 2 === 0 ? inner(part) : part)).join('')
  return between(text.split(/(^ *```[\s\S]*?^ *```$)/m), (prose) =>
    between(prose.split(/(`[^`\n]*`)/), change),
  )
}

/** A text with its links as they are in the site. */
export function withLinksInSite(file: string, text: string): string {
  return changeProse(text, (prose) =>
    prose.replace(/\]\(([^)\s]+)/g, (_, link: string) => `](${linkInSite(file, link)}`),
  )
}
