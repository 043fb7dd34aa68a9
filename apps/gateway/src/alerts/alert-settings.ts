import { alertKinds } from '@spillway/gateway-api'
import type { AlertConfig } from '../config/config.ts'
import type { IncidentKind } from './incident.ts'

/** Where a receiver says nothing of them, in milliseconds. */
export const alertDefaults: { readonly after: number; readonly quietFor: number } = {
  after: 10_000,
  quietFor: 60_000,
}

/** What passes by itself many times a day. */
const routine: ReadonlySet<IncidentKind> = new Set(['limit_closed', 'endpoint_ejected'])

/** What a receiver is told of that names no kinds. */
export const defaultKinds: readonly IncidentKind[] = alertKinds.filter((kind) => !routine.has(kind))

/** What a receiver is called in the log, in metrics and where boards are kept. */
export function nameOfReceiver({ name, to }: Pick<AlertConfig, 'name' | 'to'>, index: number): string {
  return name ?? `${to}-${index + 1}`
}
