import { expect, it } from 'vitest'
import type { Incident } from './incident.ts'
import {
  emptyBoard,
  eventsOf,
  failed,
  type IncidentBoard,
  leased,
  mostIncidents,
  newsLastsFor,
  observe,
  outdated,
  released,
  told,
} from './incident-board.ts'

const held = { after: 10_000, quietFor: 60_000 }

const incident = (subject = 'claude/1', severity: Incident['severity'] = 'critical'): Incident => ({
  ...{ kind: 'circuit_open', severity, subject, message: 'open', since: null },
})

let ids = 0
const newId = (): string => `id${++ids}`

/** Looks once a second; `isSeen` says whether the incident is there then. */
function watch(seconds: number, isSeen: (second: number) => boolean) {
  let board: IncidentBoard = emptyBoard
  const events: string[] = []
  for (let second = 0; second <= seconds; second++) {
    board = observe(board, isSeen(second) ? [incident()] : [], second * 1_000, held, newId)
    for (const event of eventsOf(board)) {
      events.push(`${event.type} at ${second}`)
      board = told(board, [event], true)
    }
  }
  return { board, events }
}

it('tells of what lasts, and of its end after it was quiet for a while', () => {
  const { events, board } = watch(200, (second) => second >= 5 && second < 100)
  expect(events).toEqual(['opened at 15', 'resolved at 155'])
  expect(board).toEqual(emptyBoard)
})

it('says nothing of what passes sooner', () => {
  const { events, board } = watch(200, (second) => second < 9)
  expect([events, board]).toEqual([[], emptyBoard])
})

it('tells once of what comes and goes', () => {
  const { events } = watch(500, (second) => second < 300 && second % 20 < 5)
  expect(events).toEqual(['opened at 20', 'resolved at 340'])
})

it('tells of the same subject again where it has become worse', () => {
  const warned = observe(emptyBoard, [incident('m', 'warning')], 0, { ...held, after: 0 }, newId)
  const both = [incident('m', 'warning'), incident('m')]
  const urgent = observe(told(warned, eventsOf(warned), true), both, 1_000, { ...held, after: 0 }, newId)
  expect(eventsOf(urgent).map(({ entry }) => entry.incident.severity)).toEqual(['critical'])
})

it('changes nothing, and so writes nothing, while nothing is news', () => {
  const open = observe(emptyBoard, [incident()], 0, held, newId)
  expect(observe(open, [incident()], 1_000, held, newId)).toBe(open)
  expect(observe(emptyBoard, [], 0, held, newId)).toBe(emptyBoard)
})

it('holds a bounded number of incidents', () => {
  const many = Array.from({ length: 1_000 }, (_, at) => incident(`claude/${at}`))
  const board = observe(emptyBoard, many, 0, held, newId)
  expect(board.entries).toHaveLength(mostIncidents)
  const later = observe(board, [incident('one more')], held.quietFor, held, newId)
  expect(later.entries.map(({ incident: { subject } }) => subject)).toEqual(['one more'])
})

it('tells of both, in their order, where a receiver was away meanwhile', () => {
  const at = { ...held, after: 0 }
  const open = observe(emptyBoard, [incident()], 0, at, newId)
  const over = observe(open, [], 70_000, at, newId)
  const first = eventsOf(over)
  expect(first.map(({ type }) => type)).toEqual(['opened'])
  const second = eventsOf(told(over, first, true))
  expect(second.map(({ type }) => type)).toEqual(['resolved'])
  // What comes back meanwhile is another incident.
  const again = observe(over, [incident()], 80_000, at, newId)
  expect(new Set(again.entries.map(({ id }) => id)).size).toBe(2)
})

it('gives up what is a day old, and then tells of no end either', () => {
  const at = { ...held, after: 0 }
  const open = observe(emptyBoard, [incident()], 0, at, newId)
  expect(outdated(eventsOf(open), newsLastsFor)).toEqual([])
  const old = outdated(eventsOf(open), newsLastsFor + 1)
  expect(old).toHaveLength(1)
  const lasting = told(open, old, false)
  expect(eventsOf(lasting)).toEqual([])
  const over = observe(open, [], 70_000, at, newId)
  expect(told(over, eventsOf(over), false).entries).toEqual([])
})

it('waits longer and longer for a receiver that fails, as long as it asks for, and not for ever', () => {
  let board: IncidentBoard = emptyBoard
  const waits: number[] = []
  for (let tries = 0; tries < 8; tries++) {
    board = failed(board, 'HTTP 500', 0, 0.5)
    waits.push(board.notBefore / 1_000)
  }
  expect(waits).toEqual([5, 15, 45, 135, 405, 900, 900, 900])
  expect(failed(emptyBoard, 'HTTP 429', 0, 0.5, 30_000).notBefore).toBe(30_000)
  expect(failed(emptyBoard, 'HTTP 429', 0, 0.5, Infinity).notBefore).toBe(newsLastsFor / 24)
})

it('lets one gateway deliver at a time, and another one where that is gone', () => {
  const mine = leased(emptyBoard, 'a', 0, 60_000) as IncidentBoard
  expect(leased(mine, 'b', 59_999, 60_000)).toBeUndefined()
  expect(leased(mine, 'a', 10, 60_000)?.lease).toEqual({ by: 'a', until: 60_010 })
  expect(leased(mine, 'b', 60_000, 60_000)?.lease?.by).toBe('b')
  expect(released(mine, 'b')).toBe(mine)
  expect(released(mine, 'a').lease).toBeUndefined()
  expect(leased(failed(mine, 'HTTP 500', 0, 0.5), 'b', 4_999, 60_000)).toBeUndefined()
})
