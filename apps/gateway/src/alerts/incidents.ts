import { keyCircuit } from '@spillway/circuit-breaker-fallback'
import type { EndpointView, Targets } from '@spillway/gateway-api'
import type { Incident } from './incident.ts'

/**
 * What needs a person now, from what the gateway says of itself: for the dashboard's banner, and for the receivers of alerts.
 * @param state as `/readyz` says it
 * @param others what else has been found, by those who watch it
 */
export function incidentsOf(
  { targets }: Targets,
  state: Readonly<Record<string, string | number>>,
  now: number,
  others: readonly Incident[] = [],
): Incident[] {
  const found = [
    ...targets.flatMap(({ name, endpoints }) =>
      endpoints.flatMap((endpoint) => ofEndpoint(`${name}/${endpoint.name}`, endpoint, now)),
    ),
    ...ofState(state),
    ...others,
  ]
  const worst = ({ severity }: Incident): number => (severity === 'critical' ? 0 : 1)
  return found.toSorted((a, b) => worst(a) - worst(b))
}

/** Without the warnings of what is critical by now: who looks sees the worst. */
export function worstOf(incidents: readonly Incident[]): Incident[] {
  const critical = new Set(
    incidents
      .filter(({ severity }) => severity === 'critical')
      .map(({ kind, subject }) => `${kind}|${subject}`),
  )
  return incidents.filter(
    ({ kind, subject, severity }) => severity === 'critical' || !critical.has(`${kind}|${subject}`),
  )
}

function ofEndpoint(subject: string, endpoint: EndpointView, now: number): Incident[] {
  const { circuits, limitGroups = [], ejectedUntil } = endpoint
  const found: Incident[] = []
  const open = circuits.filter(({ state }) => state !== 'closed')
  const models = open.filter(({ scope }) => scope === 'model')
  // A caller whose own key is refused is no trouble of the endpoint's.
  const key = open.find((circuit) => circuit.scope === 'key' && circuit.key === keyCircuit)
  if (models.length > 0) {
    const of = `${models.length === 1 ? 'the circuit of' : 'the circuits of'} ${named(models.map((each) => each.key))}`
    const state = models.length === 1 ? `is ${models[0]?.state}` : 'are open'
    const message = `${of} ${state}${because(models)}`
    found.push({ kind: 'circuit_open', severity: 'critical', subject, message, since: earliest(models) })
  }
  if (key !== undefined) {
    const message = `the key is refused${because([key])}`
    found.push({ kind: 'key_refused', severity: 'critical', subject, message, since: key.since })
  }
  for (const { group, closedUntil } of limitGroups) {
    if (closedUntil === undefined || closedUntil <= now) continue
    const message = `the vendor's limit${group === '' ? '' : ` of ${group}`} is closed until ${new Date(closedUntil).toISOString()}`
    found.push({ kind: 'limit_closed', severity: 'warning', subject, message, since: null })
  }
  if (ejectedUntil !== undefined && ejectedUntil > now) {
    const message = `ejected, since it does worse than the others, until ${new Date(ejectedUntil).toISOString()}`
    found.push({ kind: 'endpoint_ejected', severity: 'warning', subject, message, since: null })
  }
  return found
}

type Circuit = EndpointView['circuits'][number]

/** Names beyond these are counted. */
const namedAtMost = 5

/** `a, b and 3 more` */
export function named(names: readonly string[]): string {
  const more = names.length - namedAtMost
  const shown = names.slice(0, namedAtMost).join(', ')
  return more > 0 ? `${shown} and ${more} more` : shown
}

function because(circuits: readonly Circuit[]): string {
  const reasons = new Set(circuits.flatMap(({ history }) => history.at(-1)?.reason ?? []))
  return reasons.size === 0 ? '' : ` (${[...reasons].join(', ')})`
}

const earliest = (circuits: readonly Circuit[]): number => Math.min(...circuits.map(({ since }) => since))

function ofState(state: Readonly<Record<string, string | number>>): Incident[] {
  const found: Incident[] = []
  const add = (
    kind: Incident['kind'],
    severity: Incident['severity'],
    subject: string,
    message: string,
  ): void => {
    found.push({ kind, severity, subject, message, since: null })
  }
  const { ledger, audit, lost, limits, vault, unusable, shedding, certificate } = state
  if (ledger !== undefined && ledger !== 'ok')
    add('ledger', 'critical', 'storage', `the database does not answer: rows wait in ${place(ledger)}`)
  if (audit !== undefined)
    add('audit', 'critical', 'storage', `the audit log takes no entries: they wait in ${place(audit)}`)
  if (lost !== undefined)
    add(
      'rows_lost',
      'critical',
      'storage',
      `${lost} rows are lost: neither the database nor the disk took them`,
    )
  if (limits !== undefined && limits !== 'shared')
    add(
      'redis',
      'warning',
      'state',
      `Redis does not answer: limits and circuits are this gateway's own (${limits})`,
    )
  if (vault !== undefined && vault !== 'ok')
    add('vault', 'critical', 'vault', `the vault cannot be opened: ${vault}`)
  if (certificate === 'not reloaded')
    add(
      'certificate',
      'warning',
      'server',
      'the files of the certificate are broken: the one that was read before is in use',
    )
  if (shedding !== undefined) {
    add('load_shedding', 'warning', 'server', 'the gateway is saturated: batch calls are refused with 529')
    if (shedding === 'all')
      add(
        'load_shedding',
        'critical',
        'server',
        'the gateway is saturated: batch and interactive calls are refused with 529',
      )
  }
  if (unusable !== undefined)
    add('credential', 'critical', 'credentials', `credentials that cannot be used: ${unusable}`)
  return found
}

const place = (where: string | number): string => (where === 'journal' ? 'the journal on disk' : 'memory')
