import type { GatewayAdapter } from './gateways/gateway.ts'
import { secondTarget } from './gateways/spillway-config.ts'
import { waitAsked } from './judge-attempts.ts'
import { attempts } from './limits.ts'
import type { Observation } from './observation.ts'
import type { Report } from './report.ts'
import type { Row } from './row.ts'

/** Judges the headers of the answer: `retry-after` for everyone, the others for Spillway alone. */
export function judgeHeaders(
  row: Row,
  observation: Observation,
  { isSpillway }: GatewayAdapter,
  model: string,
  report: Report,
): void {
  const { expected } = row
  if (expected.caller === 'error') judgeRetryAfter(row, observation, report)
  if (!isSpillway) return
  const { headers } = observation.seen
  const is = (name: string, value: string | undefined): void => {
    const said = headers[name]
    report(said === value, `${name} is ${said ?? 'missing'} instead of ${value ?? 'absent'}`)
  }
  if (expected.caller === 'error') is('x-should-retry', 'false')
  // Keep-alives give up the headers, and what takes over comes after them.
  if (row.mode !== undefined) return
  const made = row.stopped ? (expected.by === 'second' || row.scenario === 'always' ? attempts : 0) : 0
  is('x-spillway-attempts', String(made + expected.attempts[0] + expected.attempts[1]))
  is('x-spillway-served-by', expected.by === 'first' ? model : secondTarget(model))
  const switched = headers['x-spillway-fallback'] !== undefined
  report(switched === (expected.by === 'second'), 'x-spillway-fallback is wrong')
}

/** What is left of the wait that the upstream asked for last must be said, to the second. */
function judgeRetryAfter({ expected }: Row, { seen, first, second }: Observation, report: Report): void {
  const last = (expected.by === 'first' ? first : second).at(-1)
  const asked = last === undefined ? undefined : waitAsked(last)
  if (last === undefined || asked === undefined || asked <= 0) return
  const said = secondsSaid(seen.headers)
  if (said === undefined) return report(false, 'retry-after is missing')
  const wrong = Math.abs(said - asked) > 1_500
  report(!wrong, `retry-after says ${said} ms, asked were ${Math.round(asked)}`)
}

function secondsSaid(headers: Observation['seen']['headers']): number | undefined {
  const milliseconds = headers['retry-after-ms']
  if (milliseconds !== undefined) return Number(milliseconds)
  const value = headers['retry-after']
  if (value === undefined) return undefined
  const seconds = Number(value)
  return Number.isNaN(seconds) ? Date.parse(value) - Date.now() : seconds * 1_000
}
