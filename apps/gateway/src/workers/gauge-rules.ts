/** What the gauges of several processes are together. */
export type GaugeRule = 'sum' | 'most' | 'least' | 'mean'

/**
 * By the names of gauges. `sum`: each process holds a separate part. `most` and `least`: all look at the same, or the worst is what
 * counts.
 */
export const gaugeRules: Readonly<Record<string, GaugeRule>> = {
  'spillway.circuits': 'most',
  'spillway.limiter.headroom': 'least',
  'spillway.limiter.closed': 'most',
  'spillway.retry.budget': 'sum',
  'spillway.budget.used_ratio': 'most',
  'spillway.budget.crossed': 'most',
  'spillway.mirror.similarity': 'mean',
  'spillway.ledger.away': 'most',
  'spillway.ledger.buffered': 'sum',
  'spillway.ledger.journal': 'sum',
  'spillway.ledger.lost': 'sum',
  'spillway.ledger.rejected': 'sum',
  'spillway.audit.away': 'most',
  'spillway.audit.buffered': 'sum',
  'spillway.audit.journal': 'sum',
  'spillway.audit.lost': 'sum',
  'spillway.audit.rejected': 'sum',
  'spillway.server.request_bytes': 'sum',
  'spillway.server.connections': 'sum',
  'spillway.server.calls': 'sum',
  'spillway.server.pressure': 'most',
  'spillway.server.certificate.not_after': 'least',
  'spillway.alerts.waiting': 'sum',
}

/** The rule of a gauge; `most` for one that has none. */
export const ruleOfGauge = (name: string): GaugeRule => gaugeRules[name] ?? 'most'
