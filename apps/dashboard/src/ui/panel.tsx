import type { ComponentChildren, JSX } from 'preact'
import { useId } from 'preact/hooks'

interface PanelProps {
  readonly title: string
  /** Content at the right of the title: a choice, a legend. */
  readonly aside?: ComponentChildren
  readonly note?: string | undefined
  readonly children: ComponentChildren
}

/** A titled part of a view. */
export function Panel({ title, aside, note, children }: PanelProps): JSX.Element {
  const id = useId()
  return (
    <section class="panel" aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {aside}
      </header>
      {note !== undefined && <p class="note">{note}</p>}
      {children}
    </section>
  )
}
