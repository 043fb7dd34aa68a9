import type { JSX } from 'preact'
import { logOut, session } from './session.ts'

/** Who is logged in, and the way out; nothing where no login is required. */
export function Who(): JSX.Element | null {
  const view = session.value
  if (view?.login !== true || !view.operator) return null
  const { name, permissions } = view.operator
  return (
    <div class="who">
      <span title={permissions.join(', ')}>{name}</span>
      <button type="button" onClick={logOut}>
        Log out
      </button>
    </div>
  )
}
