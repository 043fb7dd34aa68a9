import type { Alerts as AlertsAnswer } from '@spillway/gateway-api'
import type { JSX } from 'preact'
import { useResource } from '../api/use-resource.ts'
import { ago } from '../format/time.ts'
import { place } from '../place.ts'
import { formatPlace } from '../routing.ts'

/** Alerts that are shown before the others are counted. */
const shownAtMost = 4

/** What needs a person now, above every view. */
export function useAlerts(): AlertsAnswer['alerts'] {
  return useResource<AlertsAnswer>('api/alerts', 10_000).data?.alerts ?? []
}

export function AlertBanner({ alerts }: { readonly alerts: AlertsAnswer['alerts'] }): JSX.Element | null {
  if (alerts.length === 0) return null
  const { range } = place.value
  const more = alerts.length - shownAtMost
  return (
    <section class="alerts" aria-label="What needs attention">
      <ul>
        {alerts.slice(0, shownAtMost).map(({ kind, severity, subject, message, since }) => (
          <li key={`${kind} ${subject} ${message}`} data-severity={severity}>
            <a href={formatPlace({ view: kind === 'vault' ? 'keys' : 'health', range, search: {} })}>
              <b>{subject}</b> {message}
            </a>
            {since !== null && <span class="quiet">{ago(since, Date.now())}</span>}
          </li>
        ))}
      </ul>
      {more > 0 && <p class="quiet">and {more} more</p>}
    </section>
  )
}
