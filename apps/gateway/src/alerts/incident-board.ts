import { type Incident, keyOfIncident, type ToldIncident } from './incident.ts'

// What one receiver has been told of, as a plain value: several gateways keep one board together, see `board-store.ts`.

/** An incident and what its receiver knows of it. Times in milliseconds since the Unix epoch, by the clock of the store. */
export interface BoardEntry {
  readonly id: string
  readonly incident: ToldIncident
  readonly firstSeen: number
  readonly lastSeen: number
  /** When it began; undefined until it has lasted long enough to be told of. */
  readonly openedAt?: number | undefined
  /** When it was over; undefined while it lasts. */
  readonly resolvedAt?: number | undefined
  /** Whether the receiver has taken the alert. */
  readonly isTold?: boolean | undefined
}

export interface IncidentBoard {
  readonly entries: readonly BoardEntry[]
  /** Deliveries that have failed in a row. */
  readonly failures: number
  /** No delivery is tried before. */
  readonly notBefore: number
  /** Why the last delivery failed; undefined where it did not. Holds no secret. */
  readonly problem?: string | undefined
  /** The gateway that delivers now, and until when the others leave it to it. */
  readonly lease?: { readonly by: string; readonly until: number } | undefined
}

/** When an incident is told of, in milliseconds. */
export interface HoldDown {
  /** How long it has to last. */
  readonly after: number
  /** How long it has to be over, before it counts as resolved: what comes back earlier is the same incident. */
  readonly quietFor: number
}

/** What a receiver is to be told of an incident. */
export interface AlertEvent {
  readonly type: 'opened' | 'resolved'
  readonly entry: BoardEntry
}

export const emptyBoard: IncidentBoard = { entries: [], failures: 0, notBefore: 0 }

/** Incidents of one board; further ones are left out until others are over. */
export const mostIncidents = 200

/** Older news is given up, in milliseconds: a receiver that comes back after a day is not flooded. */
export const newsLastsFor: number = 24 * 3_600_000

/** How often it is written down that an incident lasts, in milliseconds. */
const heartbeat = ({ quietFor }: HoldDown): number => Math.min(5_000, quietFor / 4)

/**
 * Takes in what is seen now. The board itself where nothing has changed.
 * @param newId makes the id of an incident
 */
export function observe(
  board: IncidentBoard,
  seen: readonly Incident[],
  now: number,
  held: HoldDown,
  newId: () => string,
): IncidentBoard {
  const lasting = new Map(seen.map((incident) => [keyOfIncident(incident), incident]))
  const known = new Set<string>()
  const entries: BoardEntry[] = []
  for (const entry of board.entries) {
    const key = keyOfIncident(entry.incident)
    const incident = entry.resolvedAt === undefined ? lasting.get(key) : undefined
    if (incident !== undefined) known.add(key)
    const next = incident === undefined ? ended(entry, now, held) : lasted(entry, incident, now, held)
    if (next !== undefined) entries.push(next)
  }
  for (const [key, incident] of lasting) {
    if (known.has(key) || entries.length >= mostIncidents) continue
    const entry = { id: newId(), incident, firstSeen: now, lastSeen: now }
    entries.push(lasted(entry, incident, now, held))
  }
  const isSame =
    entries.length === board.entries.length && entries.every((entry, at) => entry === board.entries[at])
  return isSame ? board : { ...board, entries }
}

function lasted(entry: BoardEntry, incident: Incident, now: number, held: HoldDown): BoardEntry {
  const opens = entry.openedAt === undefined && now - entry.firstSeen >= held.after
  if (!opens && now - entry.lastSeen < heartbeat(held)) return entry
  // A circuit says since when it is in its newest state: the incident began earlier.
  const { since } = entry.incident
  return {
    ...{ ...entry, incident: { ...incident, since }, lastSeen: now },
    ...(opens && { openedAt: entry.firstSeen }),
  }
}

/** Undefined for what is over and was never told of. */
function ended(entry: BoardEntry, now: number, { quietFor }: HoldDown): BoardEntry | undefined {
  if (entry.resolvedAt !== undefined || now - entry.lastSeen < quietFor) return entry
  return entry.openedAt === undefined ? undefined : { ...entry, resolvedAt: entry.lastSeen }
}

/** What is to be told, in its order: that an incident is over never before that it began. */
export function eventsOf({ entries }: IncidentBoard): AlertEvent[] {
  return entries.flatMap((entry): AlertEvent[] => {
    if (entry.openedAt === undefined) return []
    if (!entry.isTold) return [{ type: 'opened', entry }]
    return entry.resolvedAt === undefined ? [] : [{ type: 'resolved', entry }]
  })
}

/** After news was taken by the receiver, or given up. Of an alert that was given up no recovery is told. */
export function told(board: IncidentBoard, events: readonly AlertEvent[], isTaken: boolean): IncidentBoard {
  const types = new Map(events.map(({ type, entry }) => [entry.id, type]))
  const entries = board.entries.flatMap((entry): BoardEntry[] => {
    const type = types.get(entry.id)
    if (type === undefined) return [entry]
    if (type === 'resolved') return []
    if (isTaken) return [{ ...entry, isTold: true }]
    // While it lasts it stays known, so that it is no news again.
    return entry.resolvedAt === undefined ? [{ ...entry, isTold: true }] : []
  })
  const { problem: _, ...rest } = board
  return isTaken ? { ...rest, entries, failures: 0, notBefore: 0 } : { ...board, entries }
}

/** News that has waited too long for its receiver. */
export function outdated(events: readonly AlertEvent[], now: number): AlertEvent[] {
  return events.filter(({ type, entry }) => {
    const at = (type === 'opened' ? entry.openedAt : entry.resolvedAt) ?? now
    return now - at > newsLastsFor
  })
}

/** Waits between deliveries that fail, in milliseconds. */
const waits = { first: 5_000, factor: 3, most: 15 * 60_000 }

/**
 * After a delivery that failed.
 * @param random 0 to 1: spreads the tries of many senders
 * @param atLeast what the receiver has asked for, in milliseconds
 */
export function failed(
  board: IncidentBoard,
  problem: string,
  now: number,
  random: number,
  atLeast = 0,
): IncidentBoard {
  const usual = Math.min(waits.most, waits.first * waits.factor ** Math.min(board.failures, 20))
  const wait = Math.max(usual * (0.75 + random / 2), Math.min(atLeast, newsLastsFor / 24))
  const { lease: _, ...rest } = board
  return { ...rest, problem, failures: board.failures + 1, notBefore: Math.round(now + wait) }
}

/** With the right to deliver; undefined while another gateway has it, and before it is time to try again. */
export function leased(board: IncidentBoard, by: string, now: number, ms: number): IncidentBoard | undefined {
  const { lease, notBefore } = board
  if (now < notBefore || (lease !== undefined && lease.by !== by && lease.until > now)) return undefined
  return { ...board, lease: { by, until: now + ms } }
}

/** Without it. */
export function released(board: IncidentBoard, by: string): IncidentBoard {
  if (board.lease?.by !== by) return board
  const { lease: _, ...rest } = board
  return rest
}
