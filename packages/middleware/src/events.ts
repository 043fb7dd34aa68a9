import type { Failure } from './failure.ts'
import { tellListener } from './hooks.ts'
import type { Outcome } from './outcome.ts'
import type { ModelRequest } from './request.ts'

/**
 * The events of a call by type. A policy adds its own by declaration merging:
 * `declare module '@spillway/middleware' { interface EventMap { 'retry.scheduled': { waitMs: number } } }`.
 */
export interface EventMap {
  /** A request is about to leave for its target. */
  'attempt.started': { readonly model: string }
  /** The first content of a stream, or the whole body of anything else, has come. */
  'attempt.committed': { readonly status: number }
  /** An attempt is over, for good or ill. Comes once for each `attempt.started`. */
  'attempt.ended': { readonly outcome: Outcome }
  /** Spillway itself refused a call, or a part of it. */
  refused: { readonly failure: Failure }
}

export type EventType = keyof EventMap

/** One thing that happened to a call. */
export type SpillwayEvent<T extends EventType = EventType> = {
  [K in T]: {
    readonly type: K
    /** `clock.now()` when it happened. */
    readonly at: number
    readonly callId: string
    readonly target: string | undefined
  } & EventMap[K]
}[T]

/**
 * Hears the events of a call, in order. Runs on the call's own path: be quick. What it throws, or rejects with, is told of
 * once as a warning of the process (`SPILLWAY_HOOK`); the call and the other listeners go on.
 */
export type Listener = (event: SpillwayEvent) => void

/** A request whose events `listener` hears, those of requests derived from it included. */
export function listen(request: ModelRequest, listener: Listener): ModelRequest {
  return { ...request, listeners: [...request.listeners, listener] }
}

/**
 * What has a listener hear the events of one type: for options such as `onRetry`. Where there is no listener, requests stay as
 * they are. What is emitted on the request that it returns is heard; the request that goes on need not be that one.
 */
export function withListener<T extends EventType>(
  type: T,
  listener: ((event: SpillwayEvent<T>) => unknown) | undefined,
): (request: ModelRequest) => ModelRequest {
  if (listener === undefined) return (request) => request
  const heard: Listener = (event) =>
    event.type === type ? listener(event as unknown as SpillwayEvent<T>) : undefined
  return (request) => listen(request, heard)
}

/** Writes an event into the record of its call and tells all listeners. Costs next to nothing when there are none. */
export function emit<T extends EventType>(request: ModelRequest, type: T, data: EventMap[T]): void {
  const { record } = request.context
  if (record === undefined && request.listeners.length === 0) return
  const event = {
    type,
    at: request.clock.now(),
    callId: request.context.callId,
    target: request.context.target,
    ...data,
  } as unknown as SpillwayEvent
  record?.hear(event, request)
  for (const listener of request.listeners) tellListener(listener, event)
}
