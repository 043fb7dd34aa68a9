import type { ComponentChildren, JSX } from 'preact'

export type Tone = 'good' | 'warn' | 'bad' | 'plain'

/** A short word in a quiet box. The word says it; the colour only helps. */
export function Badge({
  tone,
  children,
}: {
  readonly tone: Tone
  readonly children: ComponentChildren
}): JSX.Element {
  return (
    <span class="badge" data-tone={tone}>
      {children}
    </span>
  )
}
