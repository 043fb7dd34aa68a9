import type { Alerts } from '@spillway/gateway-api'

/** Something that needs a person, as the dashboard's banner and the receivers of alerts are told of it. */
export type Incident = Alerts['alerts'][number]

export type IncidentKind = Incident['kind']

/** What a receiver is told of: an incident, or the sample of `spillway alerts test`. */
export type ToldIncident = Omit<Incident, 'kind'> & { readonly kind: IncidentKind | 'test' }

/** What makes two sightings the same incident: the message may change meanwhile. */
export function keyOfIncident({ kind, subject, severity }: ToldIncident): string {
  return `${kind}|${severity}|${subject}`
}
