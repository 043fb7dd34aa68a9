import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseConfig } from '@spillway/gateway'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const read = (file: string): string => readFileSync(`${root}${file}`, 'utf8')
const guides = globSync('docs/guides/*.md', { cwd: root }).sort()
const snippet = /<!-- (apps\/examples\/\S+) -->\n\n```\w+\n(.*?)```/gs
const blocks = (language: string) =>
  guides.flatMap((guide) =>
    [...read(guide).matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(
      ([, text], index) => [`${guide}, ${language} ${index + 1}`, text as string] as const,
    ),
  )

describe('snippets of the guides', () => {
  const shown = guides.flatMap((guide) =>
    [...read(guide).matchAll(snippet)].map(([, file, text]) => [guide, file as string, text] as const),
  )

  it.each(shown)('%s shows %s as it is', (_, file, text) => expect(text).toBe(read(file)))

  it('show every file of the guides but the one that is linked', () => {
    const files = globSync('apps/examples/src/guides/*', { cwd: root })
    const linked = 'apps/examples/src/guides/order.test.ts'
    expect(
      [
        ...new Set([...shown.map(([, file]) => file).filter((file) => file.includes('/guides/')), linked]),
      ].sort(),
    ).toEqual(files.sort())
  })

  it.each(blocks('yaml'))('%s is a valid configuration', (name, text) => {
    const { warnings } = parseConfig(text, name)
    expect(warnings.filter(({ message }) => !message.endsWith('is not set'))).toEqual([])
  })
})

it('llms.txt has the pages of docs/README.md in their order', () => {
  const linksOf = (text: string) => [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link as string)
  const index = linksOf(read('docs/README.md')).filter((link) => link !== '../llms.txt')
  const fromRoot = index.map((link) => (link.startsWith('../') ? link.slice(3) : `docs/${link}`))
  expect(linksOf(read('llms.txt'))).toEqual(fromRoot)
  expect(fromRoot).toEqual(expect.arrayContaining(guides))
})
