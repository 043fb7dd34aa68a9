import type { Alerts, EndpointView, Targets } from '@spillway/gateway-api'

type Alert = Alerts['alerts'][number]

/**
 * What needs a person now, from what the gateway says of itself.
 * @param state as `/readyz` says it
 */
export function alertsOf(
  { targets }: Targets,
  state: Readonly<Record<string, string | number>>,
  now: number,
): Alerts {
  const found = [
    ...targets.flatMap(({ name, endpoints }) =>
      endpoints.flatMap((endpoint) => ofEndpoint(`${name}/${endpoint.name}`, endpoint, now)),
    ),
    ...ofState(state),
  ]
  const worst = ({ severity }: Alert): number => (severity === 'critical' ? 0 : 1)
  return { at: now, alerts: found.toSorted((a, b) => worst(a) - worst(b)) }
}

function ofEndpoint(subject: string, endpoint: EndpointView, now: number): Alert[] {
  const { circuits, limitGroups = [], ejectedUntil } = endpoint
  const alerts: Alert[] = []
  for (const { state, scope, key, since, history } of circuits) {
    if (state === 'closed') continue
    const reason = history.at(-1)?.reason
    const of = scope === 'key' ? 'the key is refused' : `the circuit of ${key} is ${state}`
    const message = reason === undefined ? of : `${of} (${reason})`
    alerts.push({ kind: 'circuit_open', severity: 'critical', subject, message, since })
  }
  for (const { group, closedUntil } of limitGroups) {
    if (closedUntil === undefined || closedUntil <= now) continue
    const message = `the vendor's limit${group === '' ? '' : ` of ${group}`} is closed until ${new Date(closedUntil).toISOString()}`
    alerts.push({ kind: 'limit_closed', severity: 'warning', subject, message, since: null })
  }
  if (ejectedUntil !== undefined && ejectedUntil > now) {
    const message = `left out, since it does worse than the others, until ${new Date(ejectedUntil).toISOString()}`
    alerts.push({ kind: 'endpoint_ejected', severity: 'warning', subject, message, since: null })
  }
  return alerts
}

function ofState(state: Readonly<Record<string, string | number>>): Alert[] {
  const alerts: Alert[] = []
  const add = (kind: Alert['kind'], severity: Alert['severity'], subject: string, message: string): void => {
    alerts.push({ kind, severity, subject, message, since: null })
  }
  const { ledger, audit, lost, limits, vault, unusable, shedding } = state
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
  if (shedding !== undefined)
    add(
      'load_shedding',
      shedding === 'all' ? 'critical' : 'warning',
      'server',
      `the gateway is saturated: ${shedding === 'all' ? 'batch and interactive calls are' : 'batch calls are'} refused with 529`,
    )
  if (unusable !== undefined)
    add('credential', 'critical', 'credentials', `credentials that cannot be used: ${unusable}`)
  return alerts
}

const place = (where: string | number): string => (where === 'journal' ? 'the journal on disk' : 'memory')
