import type { ComponentChildren, JSX } from 'preact'
import { useState } from 'preact/hooks'
import { compact } from '../format/number.ts'

/** A column of a table. */
export interface Column<T> {
  readonly title: string
  readonly cell: (row: T) => ComponentChildren
  /** Numbers are right-aligned. */
  readonly numeric?: boolean | undefined
  /** Left out where the screen is narrower than that: `tablet` on phones, `desktop` on small windows too. */
  readonly from?: 'tablet' | 'desktop' | undefined
  /** Makes the column sortable, highest first. */
  readonly sort?: ((row: T) => number | bigint) | undefined
}

interface TableProps<T> {
  readonly caption: string
  readonly columns: readonly Column<T>[]
  readonly rows: readonly T[]
  readonly rowKey: (row: T) => string
  /** The column that is sorted by at first. */
  readonly sorted?: string | undefined
  /** How many rows are shown before the reader asks for more. @default 50 */
  readonly shown?: number | undefined
}

/** A table that scrolls by itself where it is too wide, and shows no more rows than a screen can use. */
export function Table<T>({ caption, columns, rows, rowKey, sorted, shown = 50 }: TableProps<T>): JSX.Element {
  const [by, setBy] = useState(sorted)
  const [limit, setLimit] = useState(shown)
  const order = columns.find(({ title }) => title === by)?.sort
  const visible = (order === undefined ? rows : [...rows].sort((a, b) => compare(order(b), order(a)))).slice(
    0,
    limit,
  )
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <section class="scroll" aria-label={caption} tabIndex={0}>
        <table>
          <caption class="unseen">{caption}</caption>
          <thead>
            <tr>
              {columns.map((column) => (
                <th
                  key={column.title}
                  scope="col"
                  class={classOf(column)}
                  aria-sort={column.sort !== undefined && column.title === by ? 'descending' : undefined}
                >
                  {column.sort === undefined ? (
                    column.title
                  ) : (
                    <button type="button" class="sort" onClick={() => setBy(column.title)}>
                      {column.title}
                    </button>
                  )}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {visible.map((row) => (
              <tr key={rowKey(row)} onClick={followLink}>
                {columns.map((column) => (
                  <td key={column.title} class={classOf(column)}>
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {rows.length > limit && (
        <p class="more">
          <button type="button" onClick={() => setLimit(limit + 200)}>
            Show more
          </button>
          <span>
            {compact(limit)} of {compact(rows.length)}
          </span>
        </p>
      )}
    </>
  )
}

/** A click anywhere in a row follows its link; one on something else that can be clicked does not. */
function followLink(event: MouseEvent & { readonly currentTarget: HTMLElement }): void {
  const { target, currentTarget } = event
  if ((target as HTMLElement).closest('a, button, summary, input') !== null) return
  if (String(getSelection()) !== '') return
  currentTarget.querySelector<HTMLAnchorElement>('a.row-link')?.click()
}

function classOf({ numeric, from }: Pick<Column<never>, 'numeric' | 'from'>): string | undefined {
  return (
    [numeric && 'numeric', from === 'tablet' && 'wide', from === 'desktop' && 'widest']
      .filter(Boolean)
      .join(' ') || undefined
  )
}

function compare(a: number | bigint, b: number | bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}
