import { backgroundClock } from '@spillway/middleware/kit'
import type { Config } from '../config/config.ts'
import type { SharedState } from '../shared-state.ts'
import type { Alerting, AlertingOptions } from './open-alerts.ts'

export interface AlertingParts extends Pick<AlertingOptions, 'vault' | 'incidents' | 'url' | 'log'> {
  readonly shared: SharedState | undefined
  readonly observe: (values: Alerting['values']) => void
}

/** Tells the receivers of a configuration; undefined where it has none. Loaded by those who configure some. */
export async function openConfiguredAlerting(
  config: Config,
  { shared, observe, ...parts }: AlertingParts,
): Promise<Alerting | undefined> {
  if ((config.alerts ?? []).length === 0) return undefined
  const [{ openAlerting }, { sharedBoards }] = await Promise.all([
    import('./open-alerts.ts'),
    import('./board-store.ts'),
  ])
  const boards = shared === undefined ? [] : [sharedBoards((name) => shared.text(`alerts:${name}`))]
  const alerting = openAlerting({ ...parts, config, shared: boards, clock: backgroundClock })
  observe(alerting.values)
  return alerting
}
