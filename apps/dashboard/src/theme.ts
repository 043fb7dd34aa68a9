import { type Signal, signal } from '@preact/signals'

/** `system` follows the device. */
export type Theme = 'system' | 'light' | 'dark'

const stored = 'spillway-theme'
const order: readonly Theme[] = ['system', 'light', 'dark']

export const theme: Signal<Theme> = signal(readTheme())
/** Counts up whenever the colours may have changed, for what is painted and not styled. */
export const paint: Signal<number> = signal(0)

theme.subscribe((value) => {
  if (value === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = value
  paint.value = paint.peek() + 1
})
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  paint.value = paint.peek() + 1
})

export function nextTheme(): void {
  const next = order[(order.indexOf(theme.peek()) + 1) % order.length] as Theme
  theme.value = next
  try {
    localStorage.setItem(stored, next)
  } catch {
    // Private windows may refuse; the choice then lasts as long as the page.
  }
}

function readTheme(): Theme {
  try {
    return order.find((each) => each === localStorage.getItem(stored)) ?? 'system'
  } catch {
    return 'system'
  }
}
