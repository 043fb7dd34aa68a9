import type { JsonObject } from '@spillway/middleware/kit'
import type { Loss } from './loss.ts'
import type { ToolNames } from './tool-names.ts'

/** What the translation of an answer must know of its request. */
export interface AnswerOptions {
  /** As `requestTo…` gave them. */
  readonly toolNames?: ToolNames
  /** What an answer is called to which its server gives no id, without a prefix. @default '' */
  readonly id?: string
  /** The model of an answer whose server names none. @default '' */
  readonly model?: string
  /** For `answerToOpenAi`: when the answer was made, in seconds since the Unix epoch. @default 0 */
  readonly created?: number
  /** For streams to OpenAI: whether the caller asked for usage (`stream_options.include_usage`). @default false */
  readonly includeUsage?: boolean
}

/** An answer in another protocol. */
export interface TranslatedAnswer {
  readonly body: JsonObject
  /** What got lost; empty when nothing did. */
  readonly degraded: readonly Loss[]
}
