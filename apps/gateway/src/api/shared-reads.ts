/** More reads wait than the database may be asked. */
export class TooManyReads extends Error {
  constructor() {
    super('too many different questions wait for the ledger; ask again later')
  }
}

/** Reads by a question; who asks the same as others shares what they get. */
export type SharedReads = <T>(question: string, read: () => Promise<T>) => Promise<T>

interface Reads {
  readonly running: Promise<unknown>
  next: Promise<unknown> | undefined
}

/** Different questions that are worked on or wait. */
const maxQuestions = 8

/**
 * Bounds what queues at the database: who asks what is being read already shares the read after that one, which sees all
 * that was written before the question. At most two reads for each of `most` questions; more throw {@link TooManyReads}.
 */
export function sharedReads(most: number = maxQuestions): SharedReads {
  const reads = new Map<string, Reads>()
  const start = (question: string, read: () => Promise<unknown>): Promise<unknown> => {
    const running = read()
    const mine: Reads = { running, next: undefined }
    reads.set(question, mine)
    const end = (): void => {
      if (mine.next === undefined) reads.delete(question)
    }
    running.then(end, end)
    return running
  }
  return async <T>(question: string, read: () => Promise<T>): Promise<T> => {
    const found = reads.get(question)
    if (found === undefined) {
      if (reads.size >= most) throw new TooManyReads()
      return start(question, read) as Promise<T>
    }
    const again = (): Promise<unknown> => start(question, read)
    found.next ??= found.running.then(again, again)
    return found.next as Promise<T>
  }
}
