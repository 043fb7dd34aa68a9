/** One act of a client or an upstream on its connection. */
export type Step =
  | { readonly do: 'send'; readonly bytes: Buffer }
  | { readonly do: 'wait'; readonly ms: number }
  /** Ends its side in order. */
  | { readonly do: 'end' }
  /** Resets the connection. */
  | { readonly do: 'reset' }
  /** Sends the same bytes again and again, until the other side has had enough. */
  | { readonly do: 'repeat'; readonly bytes: Buffer; readonly times: number }

/** What a client does, and what it may expect. */
export interface FuzzRequest {
  /** What was done to it, for the summary. */
  readonly kind: string
  readonly steps: readonly Step[]
  /** Whether it is sent on a connection that other cases use, too: it is then whole, and leaves the connection usable. */
  readonly isShared: boolean
  /** How many answers it must get; undefined where the gateway may also wait for more, or close. */
  readonly answers: number | undefined
  /** How many milliseconds after its last step the client leaves, whether there is an answer or not. */
  readonly leavesAfter?: number
  /** Leaves, this many milliseconds after the first bytes of an answer. */
  readonly leavesAfterAnswer?: number
  readonly isHead: boolean
  /** The protocol that the caller speaks; undefined for paths that are no calls. */
  readonly api: 'anthropic' | 'openai' | undefined
  readonly stream: boolean
}

/** What an upstream does with one request. */
export interface FuzzAnswer {
  readonly kind: string
  readonly steps: readonly Step[]
  /** An answer as it should be: a caller who gets an error nevertheless has been failed by the gateway. */
  readonly isValid: boolean
}

/** What an upstream can tell of a request before it answers. */
export interface AskedOfUpstream {
  readonly target: string
  /** The number of this attempt of the case at this target, from 1. */
  readonly attempt: number
  readonly api: 'anthropic' | 'openai' | 'other'
  readonly isCount: boolean
  readonly stream: boolean
  /** The headers of the request, as they came. */
  readonly head: string
}

/** A case: what the client does, and what upstreams answer. Both depend on nothing but the seed and the index. */
export interface FuzzCase {
  readonly index: number
  readonly request: FuzzRequest
  readonly answer: (asked: AskedOfUpstream) => FuzzAnswer
}
