import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { Modal } from '../../ui/modal.tsx'

interface RevokeProps {
  readonly name: string
  readonly onClose: () => void
  readonly onRevoke: () => Promise<void>
}

/** Asks once more: a client that is revoked does not come back. */
export function Revoke({ name, onClose, onRevoke }: RevokeProps): JSX.Element {
  const [problem, setProblem] = useState<string>()
  return (
    <Modal title={`Revoke ${name}?`} onClose={onClose}>
      <p>
        All of its keys are refused within a second, for good. Calls in flight end. The name stays in the
        books and cannot be used again.
      </p>
      {problem !== undefined && (
        <p class="login-problem" role="alert">
          {problem}
        </p>
      )}
      <footer>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button
          type="button"
          class="danger"
          onClick={() => onRevoke().catch((error: Error) => setProblem(error.message))}
        >
          Revoke
        </button>
      </footer>
    </Modal>
  )
}
