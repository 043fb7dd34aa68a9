import { styleText } from 'node:util'
import type { ChangeReason, CircuitState } from '@spillway/circuit-breaker-fallback'
import type { CircuitChanged } from '../gateway.ts'
import { type LineLayout, timeOf } from './call-line.ts'
import { printable } from './printable.ts'

const states: Readonly<Record<CircuitState, string>> = {
  closed: 'circuit closed',
  open: 'circuit open',
  half_open: 'circuit half-open',
}

const colours = { closed: 'green', open: 'red', half_open: 'yellow' } as const

const reasons: Readonly<Record<ChangeReason, string>> = {
  failure_rate: 'too many of the last calls failed',
  slow_call_rate: 'too many of the last streams were slow',
  open_for_over: 'the next calls test it',
  probes_succeeded: 'it answers again',
  probes_failed: 'it still fails',
  probes_slow: 'it is still slow',
  shared: 'another gateway opened it',
  forced: 'by hand',
  released: 'no longer by hand',
}

/** One line for a circuit that has changed its state: when, whose, to which state, why. */
export function circuitLine(
  { target, endpoint, change }: CircuitChanged,
  at: Date,
  layout?: LineLayout,
): string {
  const of = change.scope === 'key' ? 'its key' : printable(change.key)
  return [
    styleText('dim', timeOf(at, layout)),
    styleText(colours[change.to], target.padEnd(10)),
    styleText(colours[change.to], states[change.to].padEnd(17)),
    `${reasons[change.reason]} (endpoint ${endpoint}, ${of})`,
  ].join('  ')
}
