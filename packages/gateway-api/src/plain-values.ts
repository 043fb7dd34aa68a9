// Values without zod: the dashboard imports them into browsers, where each byte counts.

export const minute = 60_000

/** The lengths of the ranges that have a name, and the steps of their series, in milliseconds. */
export const ranges = {
  '15m': { length: 15 * minute, step: minute },
  '1h': { length: 60 * minute, step: minute },
  '24h': { length: 1_440 * minute, step: 30 * minute },
  '7d': { length: 10_080 * minute, step: 240 * minute },
  '30d': { length: 43_200 * minute, step: 1_440 * minute },
} as const

export type RangeName = keyof typeof ranges

/** What a filter is given to find calls that have none of its values. */
export const none = '(none)'

/** What can need a person. */
export const alertKinds = [
  'circuit_open',
  'key_refused',
  'route_down',
  'budget',
  'ledger',
  'audit',
  'rows_lost',
  'redis',
  'vault',
  'credential',
  'price_unknown',
  'certificate',
  'model_retiring',
  'limit_closed',
  'endpoint_ejected',
  'load_shedding',
  'alerts',
] as const
