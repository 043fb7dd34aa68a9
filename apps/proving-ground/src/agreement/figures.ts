/** What one source says, by the name of the figure. Money is whole nano-dollars; nothing passes through a float. */
export type Figures = Map<string, bigint>

export function add(figures: Figures, name: string, amount: bigint | number | string): void {
  figures.set(name, (figures.get(name) ?? 0n) + BigInt(amount))
}

export const tokenTypes = ['input', 'output', 'cache_read', 'cache_write', 'reasoning'] as const

export interface Line {
  readonly name: string
  /** A figure for each source; undefined where it does not tell this one. */
  readonly values: readonly (bigint | undefined)[]
  readonly agrees: boolean
}

/**
 * One line for each figure that any source tells. A source that tells a kind of figures, such as attempts by role, has 0 of
 * those that it does not name: a figure that is missing in one place only is a disagreement.
 */
export function compare(sources: readonly Figures[]): Line[] {
  const names = [...new Set(sources.flatMap((figures) => [...figures.keys()]))]
  const kindOf = (name: string): string => name.split(': ')[0] as string
  const kinds = sources.map((figures) => new Set([...figures.keys()].map(kindOf)))
  return names.map((name) => {
    const values = sources.map((figures, index) =>
      kinds[index]?.has(kindOf(name)) ? (figures.get(name) ?? 0n) : undefined,
    )
    const told = values.filter((value) => value !== undefined)
    return { name, values, agrees: told.every((value) => value === told[0]) }
  })
}

export function tableOf(titles: readonly string[], lines: readonly Line[]): string {
  const rows = lines.map(({ name, values, agrees }) => [
    name,
    ...values.map((value) => (value === undefined ? '' : value.toLocaleString('en'))),
    agrees ? 'yes' : 'NO',
  ])
  const all = [['', ...titles, 'agree'], ...rows]
  const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? []
  const pad = (cell: string, column: number): string =>
    column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)
  return all.map((row) => row.map(pad).join('  ').trimEnd()).join('\n')
}
