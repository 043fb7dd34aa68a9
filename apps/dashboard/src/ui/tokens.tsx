import type { TokenCounts } from '@spillway/gateway-api'
import type { JSX } from 'preact'
import { compact, full } from '../format/number.ts'

/** Input and output side by side; all kinds for the pointer. Cached input is input. */
export function Tokens({ of }: { readonly of: TokenCounts }): JSX.Element {
  const parts = [
    `${full(of.input)} input`,
    `${full(of.cacheRead)} read from cache`,
    `${full(of.cacheWrite)} written to cache`,
    `${full(of.output)} output`,
    `${full(of.reasoning)} reasoning`,
  ]
  return (
    <span class="tokens" title={parts.join(', ')}>
      {compact(allInput(of))} <span class="quiet">→</span> {compact(of.output)}
    </span>
  )
}

export function allInput({ input, cacheRead, cacheWrite }: TokenCounts): number {
  return input + cacheRead + cacheWrite
}
