import type { ClientView } from '@spillway/gateway-api'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { Modal } from '../../ui/modal.tsx'
import { Field } from './client-form.tsx'

const hour = 3_600_000
const overlaps = [
  [24 * hour, 'for 24 hours'],
  [7 * 24 * hour, 'for 7 days'],
  [hour, 'for an hour'],
  [0, 'no longer'],
] as const

interface RotateProps {
  readonly client: ClientView
  readonly onClose: () => void
  readonly onRotate: (overlap: number) => Promise<void>
}

/** Gives a client a new key. */
export function Rotate({ client: { name }, onClose, onRotate }: RotateProps): JSX.Element {
  const [problem, setProblem] = useState<string>()
  return (
    <Modal title={`A new key for ${name}`} onClose={onClose}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault()
          const { value } = event.currentTarget.elements.namedItem('overlap') as HTMLSelectElement
          onRotate(Number(value)).catch((error: Error) => setProblem(error.message))
        }}
      >
        <Field label="The old key stays valid">
          <select name="overlap">
            {overlaps.map(([ms, label]) => (
              <option key={ms} value={ms}>
                {label}
              </option>
            ))}
          </select>
        </Field>
        {problem !== undefined && (
          <p class="login-problem" role="alert">
            {problem}
          </p>
        )}
        <footer>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary">
            Make a new key
          </button>
        </footer>
      </form>
    </Modal>
  )
}
