import type { JSX } from 'preact'
import { isHelpOpen, keys } from '../keyboard.ts'

/** What each key does, while it is asked for. */
export function KeyboardHelp(): JSX.Element | null {
  if (!isHelpOpen.value) return null
  return (
    <aside class="keyboard-help" aria-label="Keys">
      <dl>
        {keys.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <button type="button" onClick={() => (isHelpOpen.value = false)}>
        Close
      </button>
    </aside>
  )
}
