import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'

interface ModalProps {
  readonly title: string
  readonly onClose: () => void
  /** Whether it stays until it is closed by its button: what it shows is not shown again. */
  readonly isKept?: boolean | undefined
  readonly children: ComponentChildren
}

/** A dialog over the page. The browser keeps the keyboard inside, and gives it back afterwards. */
export function Modal({ title, onClose, isKept = false, children }: ModalProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const shown = dialog.current
    shown?.showModal()
    return () => shown?.close()
  }, [])
  return (
    <dialog
      ref={dialog}
      class="modal"
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault()
        if (!isKept) onClose()
      }}
    >
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  )
}
