import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { listenToKeys } from './keyboard.ts'
import { feed } from './live/feed-of-page.ts'
import { place } from './place.ts'
import { formatPlace, type ViewFacts, type ViewId, views } from './routing.ts'
import { Who } from './session/who.tsx'
import { AlertBanner, useAlerts } from './ui/alerts.tsx'
import { Brand } from './ui/brand.tsx'
import { KeyboardHelp } from './ui/keyboard-help.tsx'
import { ThemeToggle } from './ui/theme-toggle.tsx'
import { TimeRange } from './ui/time-range.tsx'
import { Audit } from './views/audit.tsx'
import { BudgetsView } from './views/budgets.tsx'
import { CallPage } from './views/call-page.tsx'
import { Calls } from './views/calls.tsx'
import { Clients } from './views/clients/clients.tsx'
import { Conversations } from './views/conversations.tsx'
import { FallbacksAndRetries } from './views/fallbacks.tsx'
import { Health } from './views/health.tsx'
import { Keys } from './views/keys.tsx'
import { Latency } from './views/latency.tsx'
import { Live } from './views/live.tsx'
import { Mirror } from './views/mirror.tsx'
import { UsageAndCost } from './views/usage.tsx'

const screens: Readonly<Record<ViewId, () => JSX.Element>> = {
  live: Live,
  sessions: Conversations,
  latency: Latency,
  usage: UsageAndCost,
  health: Health,
  fallbacks: FallbacksAndRetries,
  mirror: Mirror,
  calls: Calls,
  clients: Clients,
  budgets: BudgetsView,
  keys: Keys,
  audit: Audit,
}

/** The frame around every view. */
export function App(): JSX.Element {
  const { view, item } = place.value
  const found: ViewFacts = views.find(({ id }) => id === view) ?? views[0]
  const { name: viewName, ranged, compared = false } = found
  const isCall = view === 'calls' && item !== undefined
  const name = isCall ? 'Call' : viewName
  const alerts = useAlerts()
  const heading = useRef<HTMLHeadingElement>(null)
  const shown = useRef(`${view} ${item}`)
  useEffect(() => {
    document.title = `${name} · Spillway`
    // Whoever follows a link by keyboard or screen reader goes on at the new view.
    const now = `${view} ${item}`
    if (shown.current !== now) heading.current?.focus({ preventScroll: true })
    if (shown.current !== now) scrollTo(0, 0)
    shown.current = now
  }, [view, item, name])
  useEffect(() => listenToKeys(), [])
  const Screen = screens[view]
  return (
    <>
      {/* A link would change the hash, which says what is shown. */}
      <button type="button" class="skip" onClick={() => heading.current?.focus()}>
        Skip to the content
      </button>
      <aside class="side">
        <Brand />
        <Navigation alerts={alerts.length} />
        <div class="foot">
          <FeedState />
          <ThemeToggle />
          <Who />
        </div>
      </aside>
      <main id="content">
        <header class="head">
          <h1 ref={heading} tabIndex={-1}>
            {name}
          </h1>
          {ranged && !isCall && <TimeRange hasComparison={compared} />}
        </header>
        <AlertBanner alerts={alerts} />
        {isCall ? <CallPage key={item} id={item} /> : <Screen key={view} />}
      </main>
      <KeyboardHelp />
    </>
  )
}

function Navigation({ alerts }: { readonly alerts: number }): JSX.Element {
  const { view, range, span } = place.value
  const current = useRef<HTMLAnchorElement>(null)
  // On a phone the strip follows the view.
  useEffect(() => current.current?.scrollIntoView({ block: 'nearest', inline: 'center' }), [view])
  return (
    <nav aria-label="Views">
      <ul>
        {views.map(({ id, name }) => (
          <li key={id}>
            <a
              href={formatPlace({ view: id, range, span, search: {} })}
              aria-current={id === view ? 'page' : undefined}
              ref={id === view ? current : null}
            >
              {name}
              {id === 'health' && alerts > 0 && (
                <>
                  <span class="mark-alert" aria-hidden="true">
                    {alerts}
                  </span>
                  <span class="unseen">, {alerts} need attention</span>
                </>
              )}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  )
}

const feedWords = { connecting: 'Connecting', live: 'Live', waiting: 'Reconnecting' } as const

function FeedState(): JSX.Element {
  const status = feed.status.value
  return (
    <span class="feed" data-status={status} role="status">
      {feedWords[status]}
    </span>
  )
}
