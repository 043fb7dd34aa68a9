import { redacted } from '../log/redact.ts'
import type { AlertEvent, BoardEntry } from './incident-board.ts'

/** Who sends, as receivers are told. */
export interface Sender {
  /** Names the gateway: `HOST:PORT`. */
  readonly gateway: string
}

/** A message, as it is sent. */
export interface Message {
  /** The same with each try. */
  readonly id: string
  readonly body: string
}

/** Characters of a message that is sent. */
const longestText = 500

export const textOf = (text: string, most: number = longestText): string => {
  const clean = redacted(text)
  return clean.length <= most ? clean : `${clean.slice(0, most - 1)}…`
}

/** The id of a piece of news. No full stop in it: the signature is over `ID.TIMESTAMP.BODY`. */
export const idOfEvent = ({ type, entry }: AlertEvent): string => `msg_${entry.id}_${type}`

const isoDate = (at: number): string => new Date(at).toISOString()

/** When an incident began: what it says itself, where it knows. */
export const beganAt = ({ incident, openedAt, firstSeen }: BoardEntry): number =>
  incident.since ?? openedAt ?? firstSeen

/** How long an incident has lasted, in milliseconds; undefined while it lasts. */
export const lastedFor = (entry: BoardEntry): number | undefined =>
  entry.resolvedAt === undefined ? undefined : Math.max(0, entry.resolvedAt - beganAt(entry))

/** One piece of news as a webhook gets it. */
export function webhookMessage(event: AlertEvent, { gateway }: Sender): Message {
  const { type, entry } = event
  const { kind, severity, subject, message } = entry.incident
  const began = beganAt(entry)
  const duration = type === 'resolved' ? lastedFor(entry) : undefined
  const data = {
    id: entry.id,
    ...{ kind, severity, subject: textOf(subject, 200), message: textOf(message) },
    openedAt: isoDate(began),
    ...(duration !== undefined && {
      resolvedAt: isoDate(entry.resolvedAt as number),
      durationSeconds: Math.round(duration / 1_000),
    }),
    gateway,
  }
  const at = type === 'opened' ? began : (entry.resolvedAt as number)
  const body = JSON.stringify({ type: `incident.${type}`, timestamp: isoDate(at), data })
  return { id: idOfEvent(event), body }
}

/** `4 s`, `12 min`, `3 h 5 min`, `2 d 4 h` */
export function durationInWords(ms: number): string {
  const seconds = Math.round(ms / 1_000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
  const days = Math.floor(hours / 24)
  return hours % 24 === 0 ? `${days} d` : `${days} d ${hours % 24} h`
}
