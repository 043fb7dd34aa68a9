import { newCallId } from './call-id.ts'
import type { CallRecord } from './call-record.ts'
import { type Clock, systemClock } from './clock.ts'
import { type Deadline, noDeadline } from './deadline.ts'
import type { Listener } from './events.ts'
import { type JsonBody, withField } from './json-body.ts'
import { withModelInPath } from './model-path.ts'
import { defaultTimeouts, type Timeouts } from './timeouts.ts'

/** The protocol that the caller speaks: Anthropic Messages, OpenAI chat completions or OpenAI Responses. */
export type Api = 'anthropic' | 'openai' | 'responses'

/**
 * Which cloud wraps the call. The protocol is the one that `api` names, but the URL holds the model, errors have the cloud's
 * own shape, and Bedrock frames its streams instead of sending events:
 * - `bedrock`: `/model/{id}/invoke` and `/invoke-with-response-stream` of the Bedrock runtime
 * - `vertex`: `/models/{id}:rawPredict` and `:streamRawPredict` of Vertex AI
 */
export type Venue = 'bedrock' | 'vertex'

/** What is asked: an answer, or a count of the prompt's tokens. */
export type Operation = 'generate' | 'count_tokens'

/** Lower-case names; repeated headers joined by `, `. */
export type RequestHeaders = { readonly [name: string]: string }

/**
 * Facts that travel with a call. Middleware of your own adds its facts by declaration merging:
 * `declare module '@spillway/middleware' { interface RequestContext { plan?: string } }`.
 */
export interface RequestContext {
  /** Unique for each call; the same for all its attempts. */
  readonly callId: string
  /** Who calls: the unit of limits, budgets and bills. */
  readonly tenant?: string | undefined
  /** The conversation, where the caller names one. */
  readonly session?: string | undefined
  /** The target that this request is on its way to. */
  readonly target?: string | undefined
  /** The endpoint of that target, where it has several. */
  readonly endpoint?: string | undefined
  /** What has happened to the call so far; see {@link recordCall}. */
  readonly record?: CallRecord | undefined
  /** Whether the deadline is part of the default one, which is not explicit: a fallback reserves time from it. */
  readonly hasDefaultTotal?: boolean | undefined
  /** Whether an outer middleware has another target for this call, which is better than a long wait. */
  readonly hasAlternative?: boolean | undefined
  /**
   * Whether this is a shadow call: it repeats another call for comparison at a target that real calls use too.
   * Such a call takes what others leave: it never waits for capacity, leaves half of each limit, has a retry budget of its
   * own, and nothing is concluded from its failure.
   */
  readonly isShadow?: boolean | undefined
  /**
   * Whether this request goes on from one that has just been answered, with something that only the same endpoint and key can
   * use: it stays where that one was, if it can.
   */
  readonly goesOn?: boolean | undefined
  /**
   * Of a request that goes to another target than the one that was called (a fallback, the candidate of a mirror): the
   * headers that were meant for that one. Its keys stay away from this one.
   */
  readonly divertedHeaders?: RequestHeaders | undefined
}

/** One model call. Immutable: derive a changed one with {@link deriveRequest}. */
export interface ModelRequest {
  readonly api: Api
  /** Undefined for a call in the protocol's first-party form, which most clouds take too. */
  readonly venue?: Venue | undefined
  readonly operation: Operation
  /** The model as the caller named it. */
  readonly model: string
  /** Whether the caller asked for a stream. */
  readonly stream: boolean
  /** As the caller gave it: an absolute URL, or a path with its query. A client replaces all but the query. */
  readonly url: string
  readonly headers: RequestHeaders
  readonly body: JsonBody
  /** Aborts when the caller leaves. */
  readonly signal: AbortSignal | undefined
  /** When the answer must have begun: absolute, in `clock` time. */
  readonly deadline: Deadline
  /** Whether the deadline is still the default, so that it may be extended. */
  readonly hasDefaultDeadline: boolean
  /** How long each phase of an attempt may take. */
  readonly timeouts: Timeouts
  /** The time that `deadline` and every wait of this call are measured in. */
  readonly clock: Clock
  readonly context: RequestContext
  /** Whether the response keeps its transcript, to continue from it or to compare it. */
  readonly keepTranscript: boolean
  /**
   * Whether the end of a stream whose model declines after some output is kept back, for a policy that has another model go on:
   * the body then fails with a `StreamFailure` of kind `refusal`, whose `eventBytes` are that end.
   */
  readonly holdRefusal?: boolean | undefined
  /**
   * How many bytes an attempt collects before its commit point: of a body that is not streamed, or of a stream without
   * content. An answer with more is broken off as malformed.
   */
  readonly maxHeldBytes: number
  /** Who hears the events of this call; see {@link listen} and {@link emit}. */
  readonly listeners: readonly Listener[]
}

/** What a new request must say; the rest has defaults. */
export type NewModelRequest = Pick<ModelRequest, 'api' | 'model' | 'stream' | 'url' | 'body'> &
  Partial<Omit<ModelRequest, 'context' | 'hasDefaultDeadline'>> & {
    readonly context?: Partial<RequestContext>
  }

/** No answer of any model is larger; requests have the same limit. */
const defaultHeldBytes = 32 * 1024 * 1024

const noListeners: readonly Listener[] = []

/**
 * Makes a request. Its deadline defaults to `timeouts.total` from now.
 */
export function createRequest(init: NewModelRequest): ModelRequest {
  const clock = init.clock ?? systemClock
  const timeouts = init.timeouts ?? defaultTimeouts
  const { context } = init
  const callId = context?.callId ?? newCallId(clock.epoch())
  const request: ModelRequest = {
    api: init.api,
    operation: init.operation ?? 'generate',
    model: init.model,
    stream: init.stream,
    url: init.url,
    headers: init.headers ?? {},
    body: init.body,
    signal: init.signal,
    deadline: init.deadline ?? (timeouts.total === Infinity ? noDeadline : clock.now() + timeouts.total),
    hasDefaultDeadline: init.deadline === undefined,
    timeouts,
    clock,
    context: context === undefined ? { callId } : { ...context, callId },
    keepTranscript: init.keepTranscript ?? false,
    holdRefusal: init.holdRefusal ?? false,
    maxHeldBytes: init.maxHeldBytes ?? defaultHeldBytes,
    listeners: init.listeners ?? noListeners,
  }
  return init.venue === undefined ? request : { ...request, venue: init.venue }
}

/**
 * A copy of a request with some parts changed. The body's bytes are shared unless it is replaced. Another `model` is written
 * into the body too, and nothing else of it changes; where a `body` is given as well, it is taken as it is. Where a venue has
 * the model in its path, it is written there.
 * @throws SyntaxError for another model where the body is no JSON object
 */
export function deriveRequest(
  request: ModelRequest,
  changes: Partial<Omit<ModelRequest, 'hasDefaultDeadline'>>,
): ModelRequest {
  const { model, deadline } = changes
  const derived = { ...request, ...changes }
  if (deadline !== undefined) derived.hasDefaultDeadline = false
  if (model !== undefined && model !== request.model) {
    const url = request.venue === undefined ? undefined : withModelInPath(request.url, model)
    if (url !== undefined) derived.url = changes.url ?? url
    else if (changes.body === undefined) derived.body = withField(request.body, 'model', model)
  }
  return derived
}
