import type { Failure, Usage } from '@spillway/middleware'

/** What a stream has said so far; each protocol's event reader writes into it. */
export interface StreamState {
  /** Text, thinking, a signature, tool input, or a block that starts non-empty has come. */
  hasContent: boolean
  /** A block has been opened, be it empty, or content has come: the vendor is at work on the answer. */
  hasProgress: boolean
  /** The protocol's own end has come. */
  hasEnded: boolean
  /** Blocks that were opened and not closed, in protocols that have blocks; the last of them may be a tool call. */
  openBlocks: number
  isToolOpen: boolean
  /** Choices that have said something and have not finished; undefined in protocols without choices. */
  openChoices: Set<unknown> | undefined
  /** From an error inside the stream, or an event that makes no sense. */
  failure: Failure | undefined
  /** The body that says the error event's error outside of a stream; undefined when there was none. */
  failureData: string | undefined
  /** The last value seen, never a sum. */
  usage: Usage | undefined
  /** Whether `usage` is the vendor's last word. */
  usageIsFinal: boolean
  /** Bytes of UTF-8 in the text, thinking and arguments seen, for an estimate where usage is not final. */
  contentBytes: number
  /** Events that had some of them. */
  textEvents: number
  /** Those of the thinking block that is open. */
  thoughtBytes: number
  /** Events that carried content. */
  contentEvents: number
  stopReason: string | undefined
  /** The model has declined; the answer is complete nevertheless. */
  refusal: Failure | undefined
  model: string | undefined
  /** The answer's id, in protocols whose events after an error repeat it. */
  answerId: string | undefined
  /** The number that the next event has, in protocols that number them. */
  nextSequence: number | undefined
}

/** Adds what an event had of text. */
export function addText(state: StreamState, bytes: number): void {
  if (bytes === 0) return
  state.contentBytes += bytes
  state.textEvents++
}

export function newStreamState(): StreamState {
  return {
    hasContent: false,
    hasProgress: false,
    hasEnded: false,
    openBlocks: 0,
    isToolOpen: false,
    openChoices: undefined,
    failure: undefined,
    failureData: undefined,
    usage: undefined,
    usageIsFinal: false,
    contentBytes: 0,
    textEvents: 0,
    thoughtBytes: 0,
    contentEvents: 0,
    stopReason: undefined,
    refusal: undefined,
    model: undefined,
    answerId: undefined,
    nextSequence: undefined,
  }
}
