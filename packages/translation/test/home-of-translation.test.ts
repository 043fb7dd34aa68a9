import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import * as translation from '../src/index.ts'

const packages = fileURLToPath(new URL('../../', import.meta.url))

/** What the package shares with others: the wrapping of a `fetch`. */
const shared = new Set(['sdkMiddleware', 'timeouts', 'wrapFetch'])
const translators = Object.keys(translation).filter((name) => !shared.has(name))

/** The files that are loaded with the one given, in all packages of this repository, and their text. */
function loadedWith(entry: string, found = new Map<string, string>()): Map<string, string> {
  if (found.has(entry)) return found
  const text = readFileSync(entry, 'utf8')
  found.set(entry, text)
  const imports = text.matchAll(/^(?:import|export) (?!type )[^;'"]*?from '([^']+)'|\bimport\('([^']+)'\)/gm)
  for (const [, still, late] of imports) {
    const name = still ?? late ?? ''
    const own = /^@spillway\/([a-z-]+)$/.exec(name)?.[1]
    if (own !== undefined) loadedWith(`${packages}${own}/src/index.ts`, found)
    else if (name.startsWith('.')) loadedWith(fileURLToPath(new URL(name, `file://${entry}`)), found)
  }
  return found
}

describe.each([
  'middleware',
  'wire',
  'attempt',
  'retry',
  'rate-limit',
  'telemetry',
  'circuit-breaker-fallback',
  'core-client',
])('%s alone', (name) => {
  it('loads no translator', () => {
    const loaded = loadedWith(`${packages}${name}/src/index.ts`)
    expect(loaded.size).toBeGreaterThan(5)
    expect([...loaded.keys()].filter((file) => file.startsWith(`${packages}translation/`))).toEqual([])
    const declared = new RegExp(`^export (?:function|class|const) (?:${translators.join('|')})\\b`, 'm')
    expect([...loaded].filter(([, text]) => declared.test(text)).map(([file]) => file)).toEqual([])
  })

  it('depends on no package that does', () => {
    const { dependencies } = JSON.parse(readFileSync(`${packages}${name}/package.json`, 'utf8'))
    expect(Object.keys(dependencies ?? {})).not.toContain('@spillway/translation')
  })
})

it('is found where it is looked for', () => {
  const loaded = [...loadedWith(`${packages}translation/src/index.ts`).keys()]
  expect(loaded).toContain(`${packages}translation/src/protocols/stream-translator.ts`)
  expect(loaded).toContain(`${packages}wire/src/stream-reader.ts`)
})
