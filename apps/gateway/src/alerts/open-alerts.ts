import { hostname } from 'node:os'
import type { Vault } from '@spillway/key-vault'
import type { Clock } from '@spillway/middleware'
import type { CancelTimer } from '@spillway/middleware/kit'
import type { ObservedValue } from '@spillway/telemetry'
import type { AlertConfig, Config } from '../config/config.ts'
import { fetchThrough } from '../config/other-servers.ts'
import { alertDefaults, defaultKinds, nameOfReceiver } from './alert-settings.ts'
import { type BoardStore, memoryBoards } from './board-store.ts'
import type { Incident, IncidentKind } from './incident.ts'
import { openReceiver, type Receiver } from './receiver.ts'
import { addressReader } from './references.ts'

/** Tells receivers of incidents, as long as the gateway runs. */
export interface Alerting {
  /** For `/readyz`: nothing while all are told. */
  state(): Readonly<Record<string, string>>
  /** That receivers are not told, each by itself. */
  incidents(): Incident[]
  readonly values: Readonly<Record<string, ObservedValue>>
  /** Goes on with other receivers; those that are the same keep what they know. */
  use(config: Config): void
  /** Looks once, now. */
  look(): Promise<void>
  close(): Promise<void>
}

export interface AlertingOptions {
  readonly config: Config
  readonly vault: Pick<Vault, 'get'> | undefined
  /** What needs a person now. */
  readonly incidents: () => readonly Incident[]
  /** Boards that are kept together with other gateways, the best first. */
  readonly shared: readonly BoardStore[]
  /** The gateway's own address. */
  readonly url: () => string
  readonly clock: Clock
  readonly log: (line: string) => void
  readonly newId?: (() => string) | undefined
}

/** How often incidents are looked at, in milliseconds: more often only where a receiver wants to know earlier. */
const lookEvery = { least: 50, most: 1_000 }

/** How long a delivery that is on its way may take when the gateway stops, in milliseconds. */
const lastDelivery = 3_000

export function openAlerting(options: AlertingOptions): Alerting {
  const { clock, log, newId = () => crypto.randomUUID().replaceAll('-', '') } = options
  const id = newId()
  const own = memoryBoards(clock)
  const opened = new Map<string, { readonly settings: AlertConfig; readonly receiver: Receiver }>()
  let isClosed = false
  let cancel: CancelTimer = () => {}

  const open = (settings: AlertConfig, name: string): Receiver =>
    openReceiver({
      ...{ name, to: settings.to, clock, id, log, newId },
      after: settings.after ?? alertDefaults.after,
      quietFor: settings.quietFor ?? alertDefaults.quietFor,
      kinds: new Set<IncidentKind>(settings.on ?? defaultKinds),
      address: addressReader(settings, options.vault),
      fetch: fetchThrough(settings.proxy),
      sender: { gateway: nameOfGateway(options.url()) },
      stores: [...options.shared, own],
    })

  const use = ({ alerts = [] }: Config): void => {
    const names = new Set(alerts.map(nameOfReceiver))
    for (const name of opened.keys()) if (!names.has(name)) opened.delete(name)
    for (const [index, settings] of alerts.entries()) {
      const name = nameOfReceiver(settings, index)
      if (JSON.stringify(opened.get(name)?.settings) === JSON.stringify(settings)) continue
      opened.set(name, { settings, receiver: open(settings, name) })
    }
  }

  const receivers = (): Receiver[] => [...opened.values()].map(({ receiver }) => receiver)
  const look = async (): Promise<void> => {
    const seen = opened.size === 0 ? [] : options.incidents()
    await Promise.all(receivers().map((receiver) => receiver.look(seen)))
  }
  const again = (): void => {
    const soonest = Math.min(
      ...[...opened.values()].map(({ settings }) => settings.quietFor ?? alertDefaults.quietFor),
    )
    const wait = Math.min(lookEvery.most, Math.max(lookEvery.least, soonest / 4))
    cancel = clock.setTimer(wait, () => {
      // What is wrong with one look is not with the next one.
      look()
        .catch((error: unknown) => log(`alerts: ${(error as Error)?.stack ?? error}`))
        .then(() => isClosed || again())
    })
  }
  use(options.config)
  again()

  const failing = (): Receiver[] => receivers().filter(({ problem }) => problem !== undefined)
  return {
    use,
    look,
    state() {
      const found = failing().map(({ name, problem }) => `${name} (${problem})`)
      return found.length === 0 ? {} : { alerts: found.join(', ') }
    },
    incidents: () =>
      failing().map(({ name, problem }) => ({
        ...{ kind: 'alerts', severity: 'warning', subject: name, since: null },
        message: `alerts are not delivered: ${problem}`,
      })),
    values: alertValues(receivers),
    async close() {
      isClosed = true
      cancel()
      const ended = Promise.withResolvers<void>()
      const late = clock.setTimer(lastDelivery, ended.resolve)
      await Promise.race([Promise.all(receivers().map((each) => each.idle())), ended.promise])
      late()
    },
  }
}

/** As receivers tell gateways apart: the machine, where the address says only that it is local. */
function nameOfGateway(url: string): string {
  const { host, hostname: name, port } = new URL(url)
  return /^(localhost|0\.0\.0\.0|127\..*|\[::1?\])$/.test(name) ? `${hostname()}:${port}` : host
}

function alertValues(receivers: () => readonly Receiver[]): Readonly<Record<string, ObservedValue>> {
  const each = (read: (receiver: Receiver) => readonly (readonly [result: string, value: number])[]) => () =>
    receivers().flatMap((receiver) =>
      read(receiver).map(([result, value]) => ({
        value,
        attributes: { 'spillway.alerts.receiver': receiver.name, 'spillway.alerts.result': result },
      })),
    )
  return {
    'spillway.alerts': {
      kind: 'counter',
      description: 'Alerts by result: sent as opened or resolved, a failed attempt, given up',
      read: each(({ counts: { opened, resolved, failed, givenUp } }) => [
        ['opened', opened],
        ['resolved', resolved],
        ['failed', failed],
        ['given_up', givenUp],
      ]),
    },
    'spillway.alerts.waiting': {
      description: 'Alerts that wait for their receiver',
      read: () =>
        receivers().map(({ name, waiting }) => ({
          value: waiting,
          attributes: { 'spillway.alerts.receiver': name },
        })),
    },
  }
}
