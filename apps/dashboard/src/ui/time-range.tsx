import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { calendarSpans } from '../format/calendar.ts'
import { spanText } from '../format/time.ts'
import { adjustPlace, place, setSearch } from '../place.ts'
import { ranges, type Span } from '../routing.ts'

/** The part of the past that is shown: one with a name, or any. */
export function TimeRange({ hasComparison }: { readonly hasComparison: boolean }): JSX.Element {
  const { range, span, search } = place.value
  const isCompared = search.compare === 'before'
  return (
    <div class="time-range">
      <fieldset class="segments">
        <legend class="unseen">Time range</legend>
        {ranges.map((each) => (
          <button
            type="button"
            key={each}
            aria-pressed={span === undefined && each === range}
            onClick={() => adjustPlace({ range: each, span: undefined })}
          >
            {each}
          </button>
        ))}
      </fieldset>
      <OwnSpan />
      {hasComparison && (
        <button
          type="button"
          aria-pressed={isCompared}
          onClick={() => setSearch('compare', isCompared ? undefined : 'before')}
        >
          Compare
        </button>
      )}
    </div>
  )
}

/** A begin and an end in the reader's own zone. */
function OwnSpan(): JSX.Element {
  const { span } = place.value
  const [isOpen, setIsOpen] = useState(false)
  const now = Math.floor(Date.now() / 60_000) * 60_000
  const shown = span ?? { from: now - 3_600_000, to: now }
  const [from, setFrom] = useState('')
  const [to, setTo] = useState('')
  // Of what was not touched, the moment holds: its text is of two moments where clocks go back.
  const begin = from === '' ? shown.from : Date.parse(from)
  const end = to === '' ? shown.to : Date.parse(to)
  const show = (next: Span): void => {
    adjustPlace({ span: next })
    setFrom('')
    setTo('')
    setIsOpen(false)
  }
  const apply = (event: Event): void => {
    event.preventDefault()
    if (begin < end) show({ from: begin, to: end })
  }
  return (
    <details class="own-span" open={isOpen} onToggle={({ currentTarget }) => setIsOpen(currentTarget.open)}>
      <summary class="button" data-on={span !== undefined}>
        {span === undefined ? 'Custom' : spanText(span.from, span.to)}
      </summary>
      <form class="popover" onSubmit={apply}>
        <div class="choices">
          {calendarSpans(Date.now()).map(([name, each]) => (
            <button type="button" key={name} onClick={() => show(each)}>
              {name}
            </button>
          ))}
        </div>
        <label>
          <span class="filter-name">From</span>
          <input
            type="datetime-local"
            value={from || inputTime(shown.from)}
            onInput={({ currentTarget }) => setFrom(currentTarget.value)}
          />
        </label>
        <label>
          <span class="filter-name">To</span>
          <input
            type="datetime-local"
            value={to || inputTime(shown.to)}
            onInput={({ currentTarget }) => setTo(currentTarget.value)}
          />
        </label>
        {!(begin < end) && <p class="quiet">The start must be before the end.</p>}
        <button type="submit" disabled={!(begin < end)}>
          Show
        </button>
      </form>
    </details>
  )
}

/** `2026-11-27T17:31`, as a browser's input for a moment has it, in the local zone. */
function inputTime(at: number): string {
  const zone = new Date(at).getTimezoneOffset() * 60_000
  return new Date(at - zone).toISOString().slice(0, 16)
}
