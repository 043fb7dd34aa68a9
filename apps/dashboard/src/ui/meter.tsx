import type { JSX } from 'preact'
import { compact, full, percent, ratio } from '../format/number.ts'

interface MeterProps {
  readonly label: string
  readonly used: number
  readonly limit: number
}

/** How much of a limit is used. */
export function Meter({ label, used, limit }: MeterProps): JSX.Element {
  const share = Math.min(1, Math.max(0, ratio(used, limit) ?? 0))
  const level = share >= 0.9 ? 'bad' : share >= 0.7 ? 'warn' : 'good'
  return (
    <div class="meter">
      <span>{label}</span>
      <span class="numbers" title={`${full(used)} of ${full(limit)}`}>
        {compact(used)} <span class="quiet">/ {compact(limit)}</span>
      </span>
      {/* biome-ignore lint/a11y/useSemanticElements: the colours of a <meter> cannot be chosen everywhere. */}
      <div
        class="bar"
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={limit}
        aria-valuenow={Math.min(used, limit)}
        aria-valuetext={`${percent(ratio(used, limit))} used`}
      >
        <div data-tone={level} style={{ width: `${share * 100}%` }} />
      </div>
    </div>
  )
}

/** A share of a whole beside its number, for the eye alone. */
export function ShareBar({ share }: { readonly share: number | null }): JSX.Element {
  return (
    <span class="share" aria-hidden="true">
      <span style={{ width: `${Math.min(1, share ?? 0) * 100}%` }} />
    </span>
  )
}
