import type { ComponentChildren, JSX } from 'preact'
import { useRef, useState } from 'preact/hooks'

interface EmptyProps {
  readonly title: string
  readonly children: ComponentChildren
  /** What to type, or to write into the configuration. */
  readonly code?: string | undefined
  /** Where `code` belongs. */
  readonly where?: string | undefined
}

/** Nothing to show, and what to do about it. */
export function Empty({ title, children, code, where }: EmptyProps): JSX.Element {
  return (
    <div class="empty">
      <h3>{title}</h3>
      <p>{children}</p>
      {code !== undefined && <Code text={code} where={where} />}
    </div>
  )
}

export function Code({
  text,
  where = 'In a shell',
}: {
  text: string
  where?: string | undefined
}): JSX.Element {
  const [isCopied, setIsCopied] = useState(false)
  const shown = useRef<HTMLElement>(null)
  const copy = (): void => {
    // Without TLS there is no clipboard: then the text is selected, ready to be copied.
    const select = (): void => {
      if (shown.current !== null) getSelection()?.selectAllChildren(shown.current)
    }
    const written = navigator.clipboard?.writeText(text) ?? Promise.reject(new Error('no clipboard'))
    written.then(() => setIsCopied(true), select)
  }
  return (
    <figure class="code">
      <figcaption>
        {where}
        <button type="button" onClick={copy}>
          {isCopied ? 'Copied' : 'Copy'}
        </button>
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <pre tabIndex={0}>
        <code ref={shown}>{text}</code>
      </pre>
    </figure>
  )
}
