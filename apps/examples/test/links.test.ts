import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const pages = globSync('{*.md,llms.txt,.github/**/*.md,docs/**/*.md,{apps,packages}/*/*.md}', { cwd: root })
const texts = new Map(pages.map((page) => [page, proseOf(readFileSync(join(root, page), 'utf8'))]))

/** Without code, which is no place for links. */
function proseOf(text: string): string {
  return text
    .replace(/^( *)```.*?^ *```/gms, '')
    .replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()]/g, ''))
}

/** The anchors of a page, as GitHub makes them. */
function anchorsOf(page: string): string[] {
  const seen = new Map<string, number>()
  return [...(texts.get(page) ?? '').matchAll(/^#+ (.*)$/gm)].map(([, title = '']) => {
    const words = title.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '')
    const anchor = words.trim().replaceAll(' ', '-')
    const before = seen.get(anchor) ?? 0
    seen.set(anchor, before + 1)
    return before === 0 ? anchor : `${anchor}-${before}`
  })
}

/** Why a link leads nowhere; undefined where it does not. */
function problemOf(page: string, link: string): string | undefined {
  const [path = '', anchor] = decodeURI(link).split('#')
  const to = path === '' ? page : join(dirname(page), path)
  if (!existsSync(join(root, to))) return `${page}: ${link}: there is no ${to}`
  if (anchor === undefined) return undefined
  const readme = texts.has(to) ? to : join(to, 'README.md')
  if (!texts.has(readme) || anchorsOf(readme).includes(anchor)) return undefined
  return `${page}: ${link}: ${readme} has no heading for #${anchor}`
}

it('no relative link of a page is dead', () => {
  const dead = [...texts].flatMap(([page, text]) =>
    [...text.matchAll(/\]\(([^)\s]+)(?: "[^"]*")?\)/g)]
      .map(([, link]) => link as string)
      .filter((link) => !/^[a-z]+:/.test(link))
      .map((link) => problemOf(page, link))
      .filter((problem) => problem !== undefined),
  )
  expect(dead).toEqual([])
})

it('reads the pages of the repository', () => {
  expect(pages).toEqual(expect.arrayContaining(['README.md', 'docs/README.md', 'apps/gateway/README.md']))
})
