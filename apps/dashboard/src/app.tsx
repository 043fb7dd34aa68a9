import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { feed } from './live/feed-of-page.ts'
import { adjustPlace, place } from './place.ts'
import { formatPlace, ranges, type ViewId, views } from './routing.ts'
import { Segments } from './ui/segments.tsx'
import { ThemeToggle } from './ui/theme-toggle.tsx'
import { Audit } from './views/audit.tsx'
import { Calls } from './views/calls.tsx'
import { FallbacksAndRetries } from './views/fallbacks.tsx'
import { Health } from './views/health.tsx'
import { Keys } from './views/keys.tsx'
import { Latency } from './views/latency.tsx'
import { Live } from './views/live.tsx'
import { Mirror } from './views/mirror.tsx'
import { UsageAndCost } from './views/usage.tsx'

const screens: Readonly<Record<ViewId, () => JSX.Element>> = {
  live: Live,
  latency: Latency,
  usage: UsageAndCost,
  health: Health,
  fallbacks: FallbacksAndRetries,
  mirror: Mirror,
  calls: Calls,
  keys: Keys,
  audit: Audit,
}

/** The frame around every view. */
export function App(): JSX.Element {
  const { view, range } = place.value
  const { name, ranged } = views.find(({ id }) => id === view) ?? views[0]
  const heading = useRef<HTMLHeadingElement>(null)
  const shown = useRef(view)
  useEffect(() => {
    document.title = `${name} · Spillway`
    // Whoever follows a link by keyboard or screen reader goes on at the new view.
    if (shown.current !== view) heading.current?.focus({ preventScroll: true })
    if (shown.current !== view) scrollTo(0, 0)
    shown.current = view
  }, [view, name])
  const Screen = screens[view]
  return (
    <>
      {/* A link would change the hash, which says what is shown. */}
      <button type="button" class="skip" onClick={() => heading.current?.focus()}>
        Skip to the content
      </button>
      <aside class="side">
        <Brand />
        <Navigation />
        <div class="foot">
          <FeedState />
          <ThemeToggle />
        </div>
      </aside>
      <main id="content">
        <header class="head">
          <h1 ref={heading} tabIndex={-1}>
            {name}
          </h1>
          {ranged && (
            <Segments
              label="Time range"
              options={ranges.map((each) => [each, each] as const)}
              value={range}
              onChange={(next) => adjustPlace({ range: next })}
            />
          )}
        </header>
        <Screen key={view} />
      </main>
    </>
  )
}

function Brand(): JSX.Element {
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

function Navigation(): JSX.Element {
  const { view, range } = place.value
  const current = useRef<HTMLAnchorElement>(null)
  // On a phone the strip follows the view.
  useEffect(() => current.current?.scrollIntoView({ block: 'nearest', inline: 'center' }), [view])
  return (
    <nav aria-label="Views">
      <ul>
        {views.map(({ id, name }) => (
          <li key={id}>
            <a
              href={formatPlace({ view: id, range, search: {} })}
              aria-current={id === view ? 'page' : undefined}
              ref={id === view ? current : null}
            >
              {name}
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
