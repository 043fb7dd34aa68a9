import type { ObservedValue } from '@spillway/telemetry'
import type { ServerLoad } from '../server/gateway-server.ts'
import type { FollowedCertificate } from '../tls/followed-certificate.ts'

/** What is looked at of the server when metrics are collected. */
export function serverValues(load: () => ServerLoad): Readonly<Record<string, ObservedValue>> {
  return {
    'spillway.server.request_bytes': {
      description: 'Bytes of requests that are held, and of those that are announced',
      unit: 'By',
      read: () => [{ value: load().requestBytes }],
    },
    'spillway.server.connections': {
      description: 'Open connections of clients',
      read: () => [{ value: load().connections }],
    },
    'spillway.server.calls': {
      description: 'Calls in flight, from their head to the end of their answer',
      read: () =>
        Object.entries(load().calls).map(([kind, value]) => ({
          value,
          attributes: { 'spillway.priority': kind },
        })),
    },
    'spillway.server.pressure': {
      description: 'How much of a limit is used by which calls are shed, 0 to 1 and above',
      read: () =>
        Object.entries(load().pressure).map(([signal, value]) => ({
          value,
          attributes: { 'spillway.shedding.signal': signal },
        })),
    },
    'spillway.server.shed': {
      kind: 'counter',
      description: 'Calls that were refused since the gateway was saturated',
      read: () =>
        Object.entries(load().shed).flatMap(([kind, bySignal]) =>
          Object.entries(bySignal).map(([signal, value]) => ({
            value,
            attributes: { 'spillway.priority': kind, 'spillway.shedding.signal': signal },
          })),
        ),
    },
    'spillway.server.turned_away': {
      kind: 'counter',
      description:
        'Requests and connections that were refused or cut, by the bound of the server that they met',
      read: () =>
        Object.entries(load().turnedAway).map(([bound, value]) => ({
          value,
          attributes: { 'spillway.server.bound': bound },
        })),
    },
  }
}

/** What is looked at of the certificate that clients are shown. */
export function certificateValues(
  certificate: Pick<FollowedCertificate, 'notAfter'>,
): Readonly<Record<string, ObservedValue>> {
  return {
    'spillway.server.certificate.not_after': {
      description: 'When the certificate of the server ends, as Unix time',
      unit: 's',
      read: () => [{ value: certificate.notAfter / 1_000 }],
    },
  }
}
