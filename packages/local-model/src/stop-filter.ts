/** Lets text through up to the first stop sequence. */
export interface StopFilter {
  /**
   * Takes the next piece and passes on what cannot be the beginning of a stop sequence. Returns the stop sequence
   * that is complete with this piece; ignores everything afterwards.
   */
  push(piece: string): string | undefined
  /** The text has ended: passes on what was held back. */
  end(): void
}

/** Works on text, not on tokens, so that a stop sequence may begin and end inside a token. */
export function stopFilter(stops: readonly string[], pass: (piece: string) => void): StopFilter {
  const sequences = stops.filter((stop) => stop !== '')
  let held = ''
  let found = false
  const emit = (text: string): void => {
    if (text !== '') pass(text)
  }
  return {
    push(piece) {
      if (found) return undefined
      held += piece
      const first = earliest(held, sequences)
      if (first !== undefined) {
        found = true
        emit(held.slice(0, first.at))
        return first.stop
      }
      const keep = beginning(held, sequences)
      emit(held.slice(0, held.length - keep))
      held = held.slice(held.length - keep)
      return undefined
    },
    end() {
      if (!found) emit(held)
      found = true
    },
  }
}

function earliest(text: string, stops: readonly string[]): { at: number; stop: string } | undefined {
  let best: { at: number; stop: string } | undefined
  for (const stop of stops) {
    const at = text.indexOf(stop)
    if (at >= 0 && (best === undefined || at < best.at)) best = { at, stop }
  }
  return best
}

/** How many characters at the end of the text may be the beginning of a stop sequence. */
function beginning(text: string, stops: readonly string[]): number {
  let longest = 0
  for (const stop of stops) {
    for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
      if (text.endsWith(stop.slice(0, length))) longest = length
    }
  }
  return longest
}
