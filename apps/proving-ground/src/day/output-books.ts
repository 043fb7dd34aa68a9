/** An answer in flight, or one that has ended. */
interface Answer {
  readonly at: number
  readonly reserved: number
  /** What it came to; undefined while it is in flight. */
  actual: number | undefined
  endedAt: number
}

interface Piece {
  readonly at: number
  readonly tokens: number
  /** When its call was let through. */
  readonly admittedAt: number
}

/** What a minute generated, and what of that no limiter could know. */
export interface GeneratedMinute {
  readonly generated: number
  /** From calls that had been let through more than a minute before the last one that was. */
  readonly earlier: number
  /** What answers in flight at that moment came to beyond what was reserved for them. */
  readonly beyond: number
}

const minute = 60_000

/**
 * The output of one model's calls, booked beside the limiter and not by it: what was reserved when a call was let through,
 * what it settled at, and when each piece was generated.
 *
 * When a call is let through, what those of the last minute have settled at, or have reserved, is within the limit. Whatever
 * a minute generates that ends before the next call is let through is therefore within the limit, but for what answers in
 * flight come to beyond their reservation, and for what earlier calls still generate.
 */
export class OutputBooks {
  readonly #answers: Answer[] = []
  readonly #pieces: Piece[] = []

  /** A call is let through; returns how to book what it settles at. */
  reserve(tokens: number, now: number): (actual: number, at: number) => void {
    const answer: Answer = { at: now, reserved: tokens, actual: undefined, endedAt: Infinity }
    this.#answers.push(answer)
    return (actual, at) => {
      if (answer.actual !== undefined) return
      answer.actual = actual
      answer.endedAt = at
    }
  }

  /** Some more of an answer has been generated. */
  generated(tokens: number, admittedAt: number, now: number): void {
    this.#pieces.push({ at: now, tokens, admittedAt })
  }

  /** The most that calls of one minute had settled at or reserved, at a moment when one was let through. */
  mostBooked(): number {
    let most = 0
    let first = 0
    for (const [last, { at }] of this.#answers.entries()) {
      while ((this.#answers[first] as Answer).at <= at - minute) first++
      let sum = 0
      for (let index = first; index <= last; index++) sum += bookedAt(this.#answers[index] as Answer, at)
      most = Math.max(most, sum)
    }
    return most
  }

  /** The busiest minute by when output was generated, and the one of which least is explained. */
  minutes(): { readonly busiest: GeneratedMinute; readonly leastExplained: GeneratedMinute } {
    let busiest: GeneratedMinute = { generated: 0, earlier: 0, beyond: 0 }
    let leastExplained = busiest
    const window = { first: 0, sum: 0 }
    let admitted = 0
    for (const [last, { at, tokens }] of this.#pieces.entries()) {
      window.sum += tokens
      for (; (this.#pieces[window.first] as Piece).at <= at - minute; window.first++)
        window.sum -= (this.#pieces[window.first] as Piece).tokens
      while (admitted < this.#answers.length && (this.#answers[admitted] as Answer).at <= at) admitted++
      // Most of the day has too little to be either.
      if (window.sum <= withinOf(leastExplained) && window.sum <= busiest.generated) continue
      const explained = this.#explain(window.sum, window.first, last, admitted)
      if (explained.generated > busiest.generated) busiest = explained
      if (withinOf(explained) > withinOf(leastExplained)) leastExplained = explained
    }
    return { busiest, leastExplained }
  }

  /** @param admitted how many calls had been let through */
  #explain(generated: number, first: number, last: number, admitted: number): GeneratedMinute {
    const moment = this.#answers[admitted - 1]?.at ?? 0
    let earlier = 0
    for (let index = first; index <= last; index++) {
      const { tokens, admittedAt } = this.#pieces[index] as Piece
      if (admittedAt <= moment - minute) earlier += tokens
    }
    let beyond = 0
    for (let index = admitted - 1; index >= 0; index--) {
      const { at, reserved, actual = 0, endedAt } = this.#answers[index] as Answer
      if (at <= moment - minute) break
      if (endedAt >= moment) beyond += Math.max(0, actual - reserved)
    }
    return { generated, earlier, beyond }
  }
}

/** What is left for the limit to bound. */
export function withinOf({ generated, earlier, beyond }: GeneratedMinute): number {
  return generated - earlier - beyond
}

/** What counts of an answer when a call is let through; of one that settles at this very moment, nobody knows which was first. */
function bookedAt({ reserved, actual, endedAt }: Answer, at: number): number {
  if (actual === undefined || endedAt > at) return reserved
  return endedAt === at ? Math.min(reserved, actual) : actual
}
