import type { JSX } from 'preact'
import type { Pages } from '../api/use-pages.ts'

/** To older and newer pages; nothing where there is only one. */
export function Pager({ of }: { readonly of: Pages<unknown> }): JSX.Element | null {
  if (of.page === 1 && of.older === undefined) return null
  return (
    <nav class="pager" aria-label="Pages">
      <button type="button" disabled={of.newer === undefined} onClick={of.newer}>
        Newer
      </button>
      <span>Page {of.page}</span>
      <button type="button" disabled={of.older === undefined} onClick={of.older}>
        Older
      </button>
    </nav>
  )
}
