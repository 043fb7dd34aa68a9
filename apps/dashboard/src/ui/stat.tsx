import type { ComponentChildren, JSX } from 'preact'

interface StatProps {
  readonly label: string
  readonly value: string
  /** The same in full, for the pointer. */
  readonly exact?: string | undefined
  readonly detail?: ComponentChildren
  readonly tone?: 'bad' | 'warn' | undefined
}

/** One number. */
export function Stat({ label, value, exact, detail, tone }: StatProps): JSX.Element {
  return (
    <div class="stat" data-tone={tone}>
      <dt>{label}</dt>
      <dd>
        <span class="value" title={exact}>
          {value}
        </span>
        {detail !== undefined && <span class="detail">{detail}</span>}
      </dd>
    </div>
  )
}

export function Stats({ children }: { readonly children: ComponentChildren }): JSX.Element {
  return <dl class="stats">{children}</dl>
}
