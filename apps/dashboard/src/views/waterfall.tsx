import type { Attempt, CallRow, CallStory } from '@spillway/gateway-api'
import type { JSX } from 'preact'
import { duration } from '../format/time.ts'
import { failureWords, words } from '../format/words.ts'

interface WaterfallProps {
  readonly call: CallRow
  readonly attempts: readonly Attempt[]
  readonly waits: CallStory['waits']
}

const reasons = { limit: 'for capacity', retry: 'before retry' } as const

/** Attempts and waits over the time of their call: where it waited, for whom, and from when on it had an answer. */
export function Waterfall({ call, attempts, waits }: WaterfallProps): JSX.Element {
  const end = Math.max(call.at + call.totalMs, ...attempts.map(({ at, totalMs }) => at + totalMs))
  const length = Math.max(1, end - call.at)
  const share = (ms: number): number => Math.min(100, Math.max(0, (ms / length) * 100))
  const rows = [
    ...attempts.map((attempt) => ({ at: attempt.at, attempt, wait: undefined })),
    ...waits.map((wait) => ({ at: wait.at, attempt: undefined, wait })),
  ].toSorted((a, b) => a.at - b.at)
  return (
    <ol class="waterfall">
      <li>
        <span class="waterfall-name">the call</span>
        <span class="track">
          <span class="whole" style={{ width: `${share(call.totalMs)}%` }} />
        </span>
        <span class="numbers">{duration(call.totalMs)}</span>
      </li>
      {rows.map(({ attempt, wait }) => {
        if (wait !== undefined) {
          const why = `waited ${reasons[wait.why]}`
          return (
            <li key={`wait ${wait.at} ${wait.why}`}>
              <span class="waterfall-name">
                {wait.target ?? 'the gateway'} <span class="quiet">{why}</span>
              </span>
              <span class="track" role="img" aria-label={`${why}: ${duration(wait.ms)}`}>
                <span
                  data-tone="warn"
                  style={{ left: `${share(wait.at - call.at)}%`, width: `${Math.max(0.5, share(wait.ms))}%` }}
                />
              </span>
              <span class="numbers">{duration(wait.ms)}</span>
            </li>
          )
        }
        const { number, role, at, target, failure, firstContentMs, totalMs } = attempt
        const waited = firstContentMs ?? totalMs
        const tone = failure === null ? 'good' : failure === 'cancelled' ? 'plain' : 'bad'
        const began = duration(Math.max(0, at - call.at))
        const said =
          failure === null ? `first token after ${duration(firstContentMs)}` : failureWords(failure)
        return (
          <li key={`${number} ${role} ${at}`}>
            <span class="waterfall-name">
              {target ?? 'unknown'} <span class="quiet">{words(role)}</span>
            </span>
            <span
              class="track"
              role="img"
              aria-label={`Attempt ${number} began after ${began} and took ${duration(totalMs)}: ${said}`}
            >
              <span
                class="waited"
                data-tone={tone}
                style={{ left: `${share(at - call.at)}%`, width: `${Math.max(0.5, share(waited))}%` }}
              />
              {firstContentMs !== null && (
                <span
                  class="answered"
                  data-tone={tone}
                  style={{
                    left: `${share(at - call.at + firstContentMs)}%`,
                    width: `${share(totalMs - firstContentMs)}%`,
                  }}
                />
              )}
            </span>
            <span class="numbers" title={said}>
              {duration(totalMs)}
            </span>
          </li>
        )
      })}
    </ol>
  )
}
