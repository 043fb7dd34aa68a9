import { signal } from '@preact/signals'

/** Whether the keys are explained. */
export const isHelpOpen: { value: boolean } = signal(false)

/** Keys that do something wherever the reader is, but in a field. */
export const keys = [
  ['/', 'search'],
  ['j', 'next row'],
  ['k', 'row before'],
  ['Enter', 'open the row'],
  ['?', 'these keys'],
  ['Esc', 'close'],
] as const

/** Listens until the returned function is called. */
export function listenToKeys(): () => void {
  const onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === 'Escape') isHelpOpen.value = false
    const target = event.target as HTMLElement
    if (target.matches('input, textarea, select')) return
    if (act(event.key)) event.preventDefault()
  }
  addEventListener('keydown', onKey)
  return () => removeEventListener('keydown', onKey)
}

function act(key: string): boolean {
  if (key === '?') {
    isHelpOpen.value = !isHelpOpen.value
    return true
  }
  if (key === '/') {
    const search = document.querySelector<HTMLInputElement>('input[type=search]')
    search?.focus()
    return search !== null
  }
  return (key === 'j' || key === 'k') && move(key === 'j' ? 1 : -1)
}

/** Goes to the link of the next row, or of the one before; Enter follows it as any link. */
function move(by: 1 | -1): boolean {
  const rows = [...document.querySelectorAll<HTMLAnchorElement>('tbody a.row-link')]
  if (rows.length === 0) return false
  const at = rows.indexOf(document.activeElement as HTMLAnchorElement)
  const next = at < 0 ? (by === 1 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by))
  rows[next]?.focus()
  rows[next]?.scrollIntoView({ block: 'nearest' })
  return true
}
