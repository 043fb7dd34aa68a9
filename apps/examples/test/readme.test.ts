import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const root = new URL('../../../', import.meta.url)
const readme = readFileSync(new URL('README.md', root), 'utf8')
const shown = [...readme.matchAll(/<!-- (apps\/examples\/\S+) -->\n\n```\w+\n(.*?)```/gs)]

it('shows three examples', () => expect(shown).toHaveLength(3))

it.each(shown.map(([, file, text]) => [file, text] as const))('shows %s as it is', (file, text) => {
  expect(text).toBe(readFileSync(new URL(file as string, root), 'utf8'))
})
