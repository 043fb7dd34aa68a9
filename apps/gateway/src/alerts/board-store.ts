import type { Clock } from '@spillway/middleware'
import { emptyBoard, type IncidentBoard } from './incident-board.ts'

/** Where boards are kept. Each is changed by one at a time. */
export interface BoardStore {
  /**
   * Changes a board.
   * @param change from what is there at a time of the store's own clock; undefined, or the same board, changes nothing
   * @returns the board as it is afterwards, and whether `change` has changed it
   * @throws where the store does not answer, or too many others change the board
   */
  update(
    name: string,
    change: (board: IncidentBoard, now: number) => IncidentBoard | undefined,
  ): Promise<{ readonly board: IncidentBoard; readonly isChanged: boolean }>
}

/** Boards of this process alone. */
export function memoryBoards(clock: Pick<Clock, 'epoch'>): BoardStore {
  const boards = new Map<string, IncidentBoard>()
  return {
    async update(name, change) {
      const before = boards.get(name) ?? emptyBoard
      const after = change(before, Math.round(clock.epoch())) ?? before
      if (after.entries.length === 0 && after.failures === 0 && after.lease === undefined) boards.delete(name)
      else boards.set(name, after)
      return { board: after, isChanged: after !== before }
    },
  }
}

/** One text that several processes change, each only what it has read. */
export interface SharedText {
  /** The text, undefined where there is none, and the time of the store in milliseconds since the Unix epoch. */
  read(): Promise<{ readonly text: string | undefined; readonly now: number }>
  /** Whether it was still `before`; an undefined `after` takes it away. */
  replace(before: string | undefined, after: string | undefined): Promise<boolean>
}

/** How often a change is tried that others come before. */
const mostTries = 10

/** Boards that several gateways keep together. */
export function sharedBoards(textOf: (name: string) => SharedText): BoardStore {
  return {
    async update(name, change) {
      const shared = textOf(name)
      for (let tries = 0; tries < mostTries; tries++) {
        const { text, now } = await shared.read()
        const before = readBoard(text)
        const after = change(before, now) ?? before
        if (after === before) return { board: before, isChanged: false }
        const isEmpty = after.entries.length === 0 && after.failures === 0 && after.lease === undefined
        if (await shared.replace(text, isEmpty ? undefined : JSON.stringify(after)))
          return { board: after, isChanged: true }
      }
      throw new Error(`the alerts of ${name} are changed by too many at a time`)
    },
  }
}

/** What a later version has written there is not lost, as long as it keeps these fields; what is no board counts as empty. */
function readBoard(text: string | undefined): IncidentBoard {
  if (text === undefined) return emptyBoard
  try {
    const board = JSON.parse(text) as IncidentBoard
    const isBoard =
      Array.isArray(board.entries) &&
      board.entries.every(
        (entry) => typeof entry?.id === 'string' && typeof entry.incident?.subject === 'string',
      )
    return isBoard ? board : emptyBoard
  } catch {
    return emptyBoard
  }
}
