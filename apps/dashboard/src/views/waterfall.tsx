import type { Attempt, CallRow } from '@spillway/gateway-api'
import type { JSX } from 'preact'
import { duration } from '../format/time.ts'
import { words } from '../format/words.ts'

/** Attempts over the time of their call: where it waited, for whom, and from when on it had an answer. */
export function Waterfall({
  call,
  attempts,
}: {
  readonly call: CallRow
  readonly attempts: readonly Attempt[]
}): JSX.Element {
  const end = Math.max(call.at + call.totalMs, ...attempts.map(({ at, totalMs }) => at + totalMs))
  const length = Math.max(1, end - call.at)
  const share = (ms: number): number => Math.min(100, Math.max(0, (ms / length) * 100))
  return (
    <ol class="waterfall">
      <li>
        <span class="waterfall-name">the call</span>
        <span class="track">
          <span class="whole" style={{ width: `${share(call.totalMs)}%` }} />
        </span>
        <span class="numbers">{duration(call.totalMs)}</span>
      </li>
      {attempts.map((attempt) => {
        const { number, role, at, target, failure, firstContentMs, totalMs } = attempt
        const waited = firstContentMs ?? totalMs
        const tone = failure === null ? 'good' : failure === 'cancelled' ? 'plain' : 'bad'
        const began = duration(Math.max(0, at - call.at))
        const said = failure === null ? `first token after ${duration(firstContentMs)}` : words(failure)
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
