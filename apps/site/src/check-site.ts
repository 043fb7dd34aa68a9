import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * What leads nowhere in a site that is built: links to pages, to parts of pages, and to files. VitePress looks at pages alone.
 * @param base of its addresses, such as `/spillway/`
 */
export function checkSite(folder: string, base: string): string[] {
  const pages = globSync('**/*.html', { cwd: folder })
  const texts = new Map(pages.map((page) => [page, readFileSync(join(folder, page), 'utf8')]))
  const idsOf = new Map([...texts].map(([page, text]) => [page, new Set(valuesOf(text, 'id'))]))
  const problems = new Set<string>()
  for (const [page, text] of texts) {
    const own = `https://site${base}${page.replace(/(^|\/)index\.html$/, '$1').replace(/\.html$/, '')}`
    for (const link of [...valuesOf(text, 'href'), ...valuesOf(text, 'src')]) {
      const url = new URL(link.replaceAll('&amp;', '&'), own)
      if (url.host !== 'site') continue
      const path = decodeURI(url.pathname)
      const file = path.startsWith(base) ? fileOf(folder, path.slice(base.length)) : undefined
      if (file === undefined) problems.add(`${page}: there is no ${link}`)
      else if (url.hash !== '' && idsOf.get(file)?.has(decodeURIComponent(url.hash.slice(1))) === false)
        problems.add(`${page}: ${link}: there is no such part of the page`)
    }
  }
  return [...problems]
}

function fileOf(folder: string, path: string): string | undefined {
  const names = [path, `${path}.html`, join(path, 'index.html')]
  return names.find((name) => /\.\w+$/.test(name) && existsSync(join(folder, name)))
}

const valuesOf = (html: string, attribute: string): string[] =>
  [...html.matchAll(new RegExp(`\\s${attribute}="([^"]*)"`, 'g'))].map(([, value]) => value as string)
