import type { Api } from '@spillway/middleware'
import type { EngineOptions } from './engine-options.ts'
import type { LocalModelErrorCode } from './local-model-error.ts'
import type { Completion, Prompt, Turn } from './prompt.ts'
import type { RequestFacts } from './request-prompt.ts'

/** A request's body on its way to the engine; its bytes follow in {@link BodyPart}s. */
export interface AnnouncedBody {
  readonly api: Api
  readonly operation: 'generate' | 'count_tokens'
  /** In bytes. */
  readonly length: number
}

/** A part of an announced body. */
export interface BodyPart {
  readonly type: 'part'
  readonly id: number
  readonly bytes: Uint8Array
}

/** A use of the model; `id` is the caller's and comes back with every answer. */
export type EngineCall = { readonly type: 'call'; readonly id: number } & (
  | { readonly ask: 'load' }
  | { readonly ask: 'generate'; readonly prompt: Prompt | AnnouncedBody }
  | { readonly ask: 'count'; readonly prompt: readonly Turn[] | AnnouncedBody }
)

/** What the process of an engine is told. `open` comes first, and once. */
export type ToEngine =
  | { readonly type: 'open'; readonly options: EngineOptions }
  | EngineCall
  | BodyPart
  | { readonly type: 'abort'; readonly id: number }
  /** Asks for a sign of life. */
  | { readonly type: 'ping' }

/** What it answers: for each call exactly one `done` or `failed`, which comes last. */
export type FromEngine =
  /** An announced body has been read. */
  | { readonly type: 'read'; readonly id: number; readonly facts: RequestFacts }
  | { readonly type: 'started'; readonly id: number; readonly inputTokens: number }
  | { readonly type: 'text'; readonly id: number; readonly text: string }
  | { readonly type: 'done'; readonly id: number; readonly value: Completion | number | undefined }
  | {
      readonly type: 'failed'
      readonly id: number
      readonly code: LocalModelErrorCode
      readonly message: string
      readonly cause: string | undefined
      /** Whether there is no model in the process, so that it is of no use any more. */
      readonly isEmpty: boolean
    }
  | { readonly type: 'pong' }
