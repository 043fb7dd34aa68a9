/**
 * Refuses the phrases of the table "Phrases that the check refuses" in `docs/style.md`, in what strangers read: pages, changesets, and
 * the comments and texts of sources.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

interface Phrase {
  readonly phrase: string
  readonly use: string
}

const read = ['*.md', 'apps/gateway/*.ts', 'apps/dashboard/*.ts', 'apps/dashboard/*.tsx', 'packages/*.ts']
/** Decisions are kept as they were written; the other two quote the phrases. */
const unread = [
  'docs/decisions',
  'docs/style.md',
  'docs/renames.md',
  'packages/*/etc',
  '*.test.ts',
  '*.test.tsx',
]

const prose = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g

const phrases = refusedPhrases(readFileSync('docs/style.md', 'utf8'))
/** `a pool of its own`, not `the leases of its own process`. */
const possessive = String.raw`(?=[^\w\s]|\s*$|\s+(?:and|are|at|for|from|in|is|of|on|or|over|that|to|which|with)\b)`
const pattern = new RegExp(
  `\\b(?:${phrases.map(({ phrase }) => (phrase.endsWith(' own') ? phrase + possessive : phrase)).join('|')})\\b`,
  'gi',
)
const files = execFileSync('git', ['ls-files', '--', ...read, ...unread.map((path) => `:!${path}`)], {
  encoding: 'utf8',
})
const problems = files
  .trim()
  .split('\n')
  .filter((file) => !/\/etc\/|\/test\//.test(file))
  .flatMap((file) => problemsOf(file, readFileSync(file, 'utf8')))

for (const problem of problems) console.error(problem)
process.exitCode = problems.length === 0 ? 0 : 1

function problemsOf(file: string, text: string): string[] {
  if (text.search(pattern) === -1) return []
  const parts = file.endsWith('.md') ? [{ 0: text, index: 0 }] : [...text.matchAll(prose)]
  return parts.flatMap((part) =>
    [...part[0].matchAll(pattern)].map(({ 0: found, index }) => {
      const offset = part.index + index
      const line = text.slice(0, offset).split('\n').length
      const use = phrases.find(({ phrase }) => phrase === found.toLowerCase())?.use
      return `${file}:${line} "${found}": ${use} (docs/style.md)`
    }),
  )
}

/** The rows of the table: phrases in backticks, and what to write instead. */
function refusedPhrases(page: string): Phrase[] {
  const table = page.split('## Phrases that the check refuses')[1]?.split('\n## ')[0] ?? ''
  return table
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .flatMap(([, phrases = '', use = '']) =>
      [...phrases.matchAll(/`([^`]+)`/g)].map(([, phrase = '']) => ({ phrase, use })),
    )
}
