import type { Clock } from '@spillway/middleware'
import type { BoardStore } from './board-store.ts'
import { type Delivery, deliver } from './deliver.ts'
import { type Incident, type IncidentKind, keyOfIncident } from './incident.ts'
import {
  type AlertEvent,
  eventsOf,
  failed,
  type HoldDown,
  type IncidentBoard,
  leased,
  observe,
  outdated,
  released,
  told,
} from './incident-board.ts'
import { type Message, type Sender, webhookMessage } from './message.ts'
import { mostInSlack, slackMessage } from './slack-message.ts'
import { webhookHeaders } from './standard-webhook.ts'

/** Where a receiver is, and what signs. */
export interface Address {
  readonly url: string
  /** Empty for Slack, which takes no signature. */
  readonly secrets: readonly string[]
}

export interface ReceiverOptions extends HoldDown {
  readonly name: string
  readonly to: 'webhook' | 'slack'
  readonly kinds: ReadonlySet<IncidentKind>
  /** Asked with each delivery, so that a secret can be replaced. @throws Error that says which reference cannot be read */
  readonly address: () => Promise<Address>
  readonly fetch: typeof fetch
  readonly clock: Clock
  /** Names this gateway among those that keep a board together. */
  readonly id: string
  readonly sender: Sender
  /** The first that answers is used; the last one is this gateway's own, which always does. */
  readonly stores: readonly BoardStore[]
  readonly newId: () => string
  /** Told when deliveries begin to fail, and when they work again. */
  readonly log: (line: string) => void
}

/** Results of notifications so far. */
export interface ReceiverCounts {
  readonly opened: number
  readonly resolved: number
  /** Tries that failed. */
  readonly failed: number
  /** News that was given up: refused, or too old. */
  readonly givenUp: number
}

/** Who is told of incidents. */
export interface Receiver {
  readonly name: string
  readonly counts: ReceiverCounts
  /** News that waits to be delivered. */
  readonly waiting: number
  /** Why it is not delivered; undefined while it is. */
  readonly problem: string | undefined
  /** Takes in what is seen now, and begins to deliver what is news. Never rejects. */
  look(seen: readonly Incident[]): Promise<void>
  /** Resolves when the delivery that is on its way has ended. */
  idle(): Promise<void>
}

/** How long others leave a delivery to the gateway that has begun it, in milliseconds: longer than one takes. */
const leaseFor = 60_000

/** Messages that are delivered one after the other, before incidents are looked at again. */
const mostInARow = 20

/** How often a board is read while nothing is seen, in milliseconds: another gateway's incidents may be over. */
const idleLook = 5_000

export function openReceiver(options: ReceiverOptions): Receiver {
  const { name, to, kinds, clock, id, stores } = options
  const boards = new Map<BoardStore, IncidentBoard>()
  const readAt = new Map<BoardStore, number>()
  const counts = { opened: 0, resolved: 0, failed: 0, givenUp: 0 }
  const note = noteProblems(name, options.log)
  let delivering: Promise<void> | undefined

  const change: (store: BoardStore, by: Parameters<BoardStore['update']>[1]) => Promise<IncidentBoard> =
    async (store, by) => {
      const { board } = await store.update(name, by)
      boards.set(store, board)
      readAt.set(store, clock.now())
      return board
    }

  /** What this gateway is to deliver now, with the right to do so; nothing while another one does. */
  const claim = async (store: BoardStore): Promise<readonly AlertEvent[]> => {
    let claimed: readonly AlertEvent[] = []
    let givenUp = 0
    await change(store, (before, now) => {
      const old = outdated(eventsOf(before), now)
      const board = old.length === 0 ? before : told(before, old, false)
      givenUp = old.length
      claimed = eventsOf(board).slice(0, to === 'slack' ? mostInSlack : 1)
      const mine = claimed.length === 0 ? undefined : leased(board, id, now, leaseFor)
      if (mine === undefined) claimed = []
      return mine ?? board
    })
    counts.givenUp += givenUp
    return claimed
  }

  const deliverAll = async (store: BoardStore): Promise<void> => {
    for (let sent = 0; sent < mostInARow; sent++) {
      const events = await claim(store)
      if (events.length === 0) break
      const delivery = await send(options, events)
      if (delivery.is === 'failed') {
        const { problem, retryAfterMs } = delivery
        counts.failed++
        note.failing(problem)
        await change(store, (board, now) => failed(board, problem, now, clock.random(), retryAfterMs))
        return
      }
      const isTaken = delivery.is === 'taken'
      if (isTaken) for (const { type } of events) counts[type]++
      else counts.givenUp += events.length
      if (isTaken) note.well()
      else note.refused(delivery.problem)
      await change(store, (board) => told(board, events, isTaken))
    }
    await change(store, (board) => released(board, id))
  }

  const deliverFrom = async (): Promise<void> => {
    for (const store of stores) {
      // A store that does not answer has its turn with the next look.
      if (eventsIn(store) > 0) await deliverAll(store).catch(() => {})
    }
  }
  const eventsIn = (store: BoardStore): number => {
    const board = boards.get(store)
    return board === undefined ? 0 : eventsOf(board).length
  }
  const openIn = (store: BoardStore): ReadonlySet<string> => {
    const entries = boards.get(store)?.entries.filter(({ resolvedAt }) => resolvedAt === undefined) ?? []
    return new Set(entries.map(({ incident }) => keyOfIncident(incident)))
  }
  const isIdle = (store: BoardStore, seen: readonly Incident[]): boolean => {
    const board = boards.get(store)
    if (board === undefined || board.entries.length > 0 || seen.length > 0) return false
    return clock.now() - (readAt.get(store) ?? 0) < idleLook
  }

  return {
    name,
    counts,
    get waiting() {
      return stores.reduce((sum, store) => sum + eventsIn(store), 0)
    },
    get problem() {
      return [...boards.values()].find(({ problem }) => problem !== undefined)?.problem
    },
    async look(seen) {
      // That alerts do not reach this receiver, it would learn too late.
      let left = seen.filter(
        ({ kind, subject }) => kinds.has(kind) && !(kind === 'alerts' && subject === name),
      )
      for (const store of stores) {
        // What one board has opened stays there: another one would tell of it again.
        const elsewhere = stores.filter((other) => other !== store).map(openIn)
        const here = left.filter((incident) => !elsewhere.some((open) => open.has(keyOfIncident(incident))))
        if (isIdle(store, here)) continue
        try {
          await change(store, (board, now) => observe(board, here, now, options, options.newId))
          left = left.filter((incident) => !here.includes(incident))
        } catch {
          // The next one takes what this one does not.
        }
      }
      delivering ??= deliverFrom().finally(() => {
        delivering = undefined
      })
    },
    idle: async () => delivering,
  }
}

/** One message to a receiver. Never rejects. */
export async function send(
  {
    to,
    address,
    sender,
    clock,
    fetch,
  }: Pick<ReceiverOptions, 'to' | 'address' | 'sender' | 'clock' | 'fetch'>,
  events: readonly AlertEvent[],
): Promise<Delivery> {
  let where: Address
  try {
    where = await address()
  } catch (error) {
    return { is: 'failed', problem: (error as Error).message }
  }
  const { id, body }: Message =
    to === 'slack' ? slackMessage(events, sender) : webhookMessage(events[0] as AlertEvent, sender)
  const at = Math.floor(clock.epoch() / 1_000)
  const headers = to === 'slack' ? {} : webhookHeaders(id, at, body, where.secrets)
  return deliver({ url: where.url, headers, body, fetch, clock })
}

/** Says each problem once, and when it is over. */
function noteProblems(
  name: string,
  log: (line: string) => void,
): Record<'failing' | 'refused', (problem: string) => void> & { readonly well: () => void } {
  let said: string | undefined
  return {
    failing(problem) {
      if (problem !== said)
        log(`warning: alerts are not delivered to ${name} (${problem}): they wait, and are tried again`)
      said = problem
    },
    refused: (problem) => log(`warning: ${name} refuses an alert, which is given up: ${problem}`),
    well() {
      if (said !== undefined) log(`alerts are delivered to ${name} again`)
      said = undefined
    },
  }
}
