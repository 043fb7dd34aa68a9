import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { startClaude, startOpenAi, startOpenRouter } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { outputOf } from './example-output.ts'

// Pages that show an example show it as it is, and its output as it was just printed. `SPILLWAY_ACCEPT_OUTPUT=1` writes both.

const root = fileURLToPath(new URL('../../../', import.meta.url))
const pages = ['apps/examples/README.md', ...globSync('docs/start/*.md', { cwd: root })].sort()
const sourceShown = /(<!-- (apps\/examples\/src\/\S+) -->\n\n```\w+\n)([\s\S]*?)(?=^```$)/gm
const outputShown = /(<!-- output of apps\/examples\/src\/(\S+) -->\n\n```\w*\n)([\s\S]*?)(?=^```$)/gm
const isAccepted = process.env.SPILLWAY_ACCEPT_OUTPUT !== undefined

const read = (file: string): string => readFileSync(`${root}${file}`, 'utf8')

describe.each(pages)('%s', (page) => {
  it('shows examples as they are', () => {
    const now = read(page).replace(sourceShown, (_, before: string, file: string) => before + read(file))
    if (isAccepted) writeFileSync(`${root}${page}`, now)
    expect(read(page)).toBe(now)
  })

  const outputs = [...read(page).matchAll(outputShown)].map(([, , file]) => file as string)
  it.skipIf(outputs.length === 0).each(outputs)('shows what %s prints', async (file) => {
    await using claude = await startClaude({ reply: { text: 'It carries water around a full dam.' } })
    const printed = await outputOf(file, { places: { 'https://api.anthropic.com': claude.url } })
    const now = read(page).replace(outputShown, (block, before: string, name: string) =>
      name === file ? before + printed : block,
    )
    if (isAccepted) writeFileSync(`${root}${page}`, now)
    expect(read(page)).toBe(now)
  })
})

it('has each example of its folder in the README, with its output', () => {
  const files = globSync('apps/examples/src/uses/*.ts', { cwd: root }).sort()
  const readme = read('apps/examples/README.md')
  const shown = [...readme.matchAll(sourceShown)].map(([, , file]) => file as string)
  const printed = [...readme.matchAll(outputShown)].map(([, , file]) => `apps/examples/src/${file}`)
  expect(shown.filter((file) => file.includes('/uses/')).sort()).toEqual(files)
  expect(printed.sort()).toEqual(files)
})

describe('examples of the start pages, at the vendors themselves', () => {
  const said = 'It carries water around a full dam.'
  const files = ['wrap-fetch', 'openai', 'ai-sdk', 'openrouter', 'plain-fetch']

  it.each(files)('start/%s.ts prints the answer, after a failure', async (name) => {
    const reply = { text: said }
    await using claude = await startClaude({ reply })
    await using openai = await startOpenAi({ reply })
    await using openrouter = await startOpenRouter({ reply })
    for (const server of [claude, openai, openrouter]) server.next({ type: 'status', status: 503 })
    const places = {
      'https://api.anthropic.com': claude.url,
      'https://api.openai.com': openai.url,
      'https://openrouter.ai': openrouter.url,
    }
    expect(await outputOf(`start/${name}.ts`, { places })).toContain(said)
  })
})
