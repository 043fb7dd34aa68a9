import type { JSX } from 'preact'

/** The name, and its sign. */
export function Brand(): JSX.Element {
  return (
    <div class="brand">
      <svg viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
        <rect width="32" height="32" rx="7" fill="var(--brand)" />
        <path d="M6 9h8c7 0 5 13 12 13" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round" />
        <path d="M6 15h5c6 0 5 8 10 8" fill="none" stroke="#8fd5e8" stroke-width="3" stroke-linecap="round" />
      </svg>
      Spillway
    </div>
  )
}
