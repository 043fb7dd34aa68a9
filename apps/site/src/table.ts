/** A table of Markdown; columns in which all cells are empty are left out. */
export function tableOf(header: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return ''
  const used = header.map((_, column) => rows.some((row) => (row[column] ?? '') !== ''))
  const line = (cells: readonly string[]): string =>
    `| ${cells
      .filter((_, column) => used[column])
      .map(asCell)
      .join(' | ')} |`
  return [line(header), line(header.map(() => '---')), ...rows.map(line), ''].join('\n')
}

const asCell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ')

/** A text as code; nothing where it is empty. */
export const asCode = (text: string): string => (text === '' ? '' : `\`${text}\``)

/** A text of a program, which is no Markdown. */
export const asText = (text: string): string =>
  text.replaceAll('<', '&lt;').replaceAll('{{', '&#123;&#123;').replaceAll('*', '\\*').replaceAll('_', '\\_')
