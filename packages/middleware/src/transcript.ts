/** One block of an answer, as far as it has come. */
export interface TranscriptBlock {
  /** What it is in the end, whatever the protocol calls it. */
  readonly type: 'text' | 'thinking' | 'tool' | 'other'
  /** The text of a text block; empty for all others. */
  readonly text: string
  /** Its index in the stream. */
  readonly index: number
  /** Whether it has not been closed yet. */
  readonly isOpen: boolean
}

/** What a stream has said so far, in the terms that all protocols share. */
export interface Transcript {
  readonly blocks: readonly TranscriptBlock[]
  /** The answer's id, by the vendor's word. */
  readonly id: string | undefined
}
