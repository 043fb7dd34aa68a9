import { publishedReduction, type Report } from './report.ts'
import type { Target } from './targets.ts'

type Rows = readonly (readonly string[])[]

/** A report for the terminal. */
export function plainText({ title, note, tables, remaining, targets }: Report): string {
  const parts = tables.map((table) => `${table.title}\n\n${indent(alignedRows(table.rows))}`)
  const lines = targets.map(
    (target) => `${target.holds ? 'holds ' : 'MISSED'}  ${target.text}: ${target.reached}`,
  )
  return [title, note, ...parts, remaining, indent([...lines, reference].join('\n'))].join('\n\n')
}

/** A report for a Markdown page, under a heading of the second level. */
export function markdown({ title, note, tables, remaining, targets }: Report): string {
  const parts = tables.map(
    (table) => `${table.title}:\n\n${alignedRows(withRule(table.rows), ' | ', '| ', ' |')}`,
  )
  const list = targets.map(
    ({ holds, text, reached }: Target) => `- ${holds ? 'holds' : '**MISSED**'}: ${text}: ${reached}`,
  )
  return [`## ${title}`, note, ...parts, remaining, list.join('\n')].join('\n\n')
}

/** What there is to compare with. */
export const reference = `for reference: the published figure to beat is an error rate ${publishedReduction} lower than direct`

function alignedRows(rows: Rows, between = '  ', before = '', after = ''): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const cell = (text: string, column: number): string => {
    const width = widths[column] ?? 0
    if (text === '-') return `${'-'.repeat(width - 1)}${column === 0 ? '-' : ':'}`
    return column === 0 ? text.padEnd(width) : text.padStart(width)
  }
  return rows.map((row) => before + row.map(cell).join(between) + after).join('\n')
}

/** The line between head and body; `-` stands for as many as the column is wide. */
function withRule([head = [], ...body]: Rows): Rows {
  return [head, head.map(() => '-'), ...body]
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '  ')
}
