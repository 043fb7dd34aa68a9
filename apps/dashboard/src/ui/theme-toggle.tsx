import type { JSX } from 'preact'
import { nextTheme, theme } from '../theme.ts'

const names = { system: 'Auto', light: 'Light', dark: 'Dark' } as const

/** Goes round: as the device, light, dark. */
export function ThemeToggle(): JSX.Element {
  const name = names[theme.value]
  return (
    <button
      type="button"
      class="theme"
      onClick={nextTheme}
      aria-label={`Colours: ${name}`}
      title="Switch between light and dark"
    >
      <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
        <circle cx="8" cy="8" r="6.25" fill="none" stroke="currentColor" stroke-width="1.5" />
        <path d="M8 1.75a6.25 6.25 0 0 1 0 12.5z" fill="currentColor" />
      </svg>
      {name}
    </button>
  )
}
