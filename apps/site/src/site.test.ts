import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openApi } from '@spillway/gateway-api'
import { expect, it } from 'vitest'
import { commandTree } from '../../gateway/src/cli.ts'
import { cliReference } from './cli-reference.ts'
import { withCodeGroups } from './code-groups.ts'
import { httpApi, type OpenApi } from './http-api.ts'
import { linkInSite, withLinksInSite } from './links.ts'
import { llmsText } from './llms.ts'
import { addressOf, placeOf, root, sourcesOf } from './pages.ts'
import { sidebarOf } from './sidebar.ts'

const generated = ['/', '/packages/', '/cli', '/http-api', '/changelog', '/llms.txt']
const addresses = new Set([...generated, ...sourcesOf(root).map((file) => addressOf(placeOf(file) ?? ''))])

it.each([
  ['docs/guides/claude-code.md', '../budgets.md#rules', '/budgets#rules'],
  ['docs/guides/which-package.md', '../../packages/retry', '/packages/retry'],
  ['packages/wire/README.md', '../middleware/README.md#events', '/packages/middleware#events'],
  ['docs/README.md', '../README.md#packages', '/packages/'],
  ['docs/dashboard.md', 'screenshots/live.png', '/docs/screenshots/live.png'],
  [
    'docs/deploy/README.md',
    'compose.yaml',
    'https://github.com/spillway/spillway/blob/main/docs/deploy/compose.yaml',
  ],
  [
    'docs/deploy/README.md',
    'helm/spillway',
    'https://github.com/spillway/spillway/tree/main/docs/deploy/helm/spillway',
  ],
  ['docs/README.md', 'https://example.com/a', 'https://example.com/a'],
])('in %s, %s leads to %s', (file, link, to) => expect(linkInSite(file, link)).toBe(to))

it('links in code stay as they are', () => {
  const text = 'a [`b`](b.md) `[c](c.md)`\n\n```sh\n[d](d.md)\n```\n'
  expect(withLinksInSite('docs/guides/x.md', text.replace('b.md', 'claude-code.md'))).toBe(
    text.replace('b.md', '/guides/claude-code'),
  )
})

it('no link of a page leads to a page that the site does not have', () => {
  const dead = sourcesOf(root).flatMap((file) => {
    const text = withLinksInSite(file, readFileSync(join(root, file), 'utf8'))
    return [...text.matchAll(/\]\((\/[^)#\s]*)/g)]
      .map(([, link]) => link as string)
      .filter((link) => !addresses.has(link) && !/\.(png|svg)$/.test(link))
      .map((link) => `${file}: ${link}`)
  })
  expect(dead).toEqual([])
})

it('the sidebar leads to pages that there are, each once', () => {
  const links = sidebarOf(root, ['retry']).flatMap(({ items }) => items.map(({ link }) => link))
  expect(links.filter((link) => !addresses.has(link))).toEqual([])
  expect(new Set(links).size).toBe(links.length)
})

it('blocks of code with names become tabs', () => {
  const text = '**Go**\n\n<!-- a.go -->\n\n```go\nx\n```\n\n**curl**\n\n```sh\ny\n```\n\nmore\n'
  expect(withCodeGroups(`before\n\n${text}`)).toBe(
    'before\n\n::: code-group\n\n```go [Go]\nx\n```\n\n```sh [curl]\ny\n```\n\n:::\n\nmore\n',
  )
  expect(withCodeGroups('**Go**\n\n```go\nx\n```\n')).toBe('**Go**\n\n```go\nx\n```\n')
})

it('the reference of the command line has all commands and their options', async () => {
  const page = cliReference(await commandTree())
  for (const text of ['## spillway start', '### spillway keys rotate', '`-c, --config <file>`', 'SIGHUP'])
    expect(page).toContain(text)
})

it('the page of the HTTP API has all paths and types', () => {
  const description = openApi() as unknown as OpenApi
  const page = httpApi(description)
  for (const [path, methods] of Object.entries(description.paths))
    for (const method of Object.keys(methods))
      expect(page).toContain(`### \`${method.toUpperCase()} ${path}\``)
  for (const name of Object.keys(description.components.schemas)) expect(page).toContain(`### ${name}\n`)
  expect(page).not.toMatch(/\| (undefined|\[object Object\])/)
})

it('llms.txt says what the repository says', () => {
  expect(llmsText(root, 'https://example.com/')).toContain('](https://example.com/guides/claude-code.md)')
})
