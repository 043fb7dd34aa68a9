import { createHash } from 'node:crypto'
import type { Usage } from '@spillway/middleware'
import type { JsonObject } from '@spillway/middleware/kit'
import { isPlainId } from '@spillway/wire/internal'
import { answerIdFor } from '../protocols/answer-ids.ts'
import type { AnswerOptions } from '../protocols/answer-options.ts'
import { usageForResponses } from '../protocols/usage-translation.ts'
import type { ToolKinds } from './tool-kinds.ts'

/** What the translation of an answer into the Responses API must know of its request. */
export interface ResponsesAnswerOptions extends AnswerOptions {
  /** The fields of the request that a response repeats, from {@link repeatedFields}. */
  readonly repeated?: JsonObject
  /** As `chatOfResponses` gave them. */
  readonly kinds?: ToolKinds
}

const repeatedDefaults = {
  instructions: null,
  max_output_tokens: null,
  metadata: {},
  parallel_tool_calls: true,
  previous_response_id: null,
  reasoning: { effort: null, summary: null },
  safety_identifier: null,
  temperature: null,
  text: { format: { type: 'text' } },
  tool_choice: 'auto',
  tools: [],
  top_p: null,
  truncation: 'disabled',
  user: null,
}

/** Not repeated, since it may be as long as a conversation, and would be held and sent three times. */
const leftOut: ReadonlySet<string> = new Set(['instructions', 'tools'])

/** What a response repeats of its request: its settings, without its long texts. */
export function repeatedFields(request: JsonObject): JsonObject {
  const own = Object.keys(repeatedDefaults).filter((name) => request[name] != null && !leftOut.has(name))
  return Object.fromEntries(own.map((name) => [name, request[name]]))
}

/** How a response has ended, or that it has not. */
export interface ResponseState {
  readonly status: 'in_progress' | 'completed' | 'incomplete' | 'failed'
  readonly incomplete?: 'max_output_tokens' | 'content_filter'
  readonly error?: { readonly code: string; readonly message: string }
}

/** A whole response, with all fields that clients insist on. */
export function responseObject(
  id: string,
  model: unknown,
  state: ResponseState,
  output: readonly JsonObject[],
  usage: Usage | undefined,
  { created = 0, repeated = {} }: ResponsesAnswerOptions,
): JsonObject {
  return {
    id,
    object: 'response',
    created_at: created,
    status: state.status,
    background: false,
    error: state.error ?? null,
    incomplete_details: state.incomplete === undefined ? null : { reason: state.incomplete },
    model,
    output,
    store: false,
    ...repeatedDefaults,
    ...repeated,
    usage: state.status === 'in_progress' ? null : usageForResponses(usage),
  }
}

/** How a message's stop reason is said of a response. */
export function endOf(stopReason: string | undefined): ResponseState {
  if (stopReason === 'max_tokens' || stopReason === 'model_context_window_exceeded') {
    return { status: 'incomplete', incomplete: 'max_output_tokens' }
  }
  if (stopReason === 'refusal') return { status: 'incomplete', incomplete: 'content_filter' }
  return { status: 'completed' }
}

/** OpenAI takes ids of this length back. */
const longestItemId = 64

/** Ids of a response and of its items, from the id that the vendor gave the answer. */
export class ResponseIds {
  readonly response: string
  readonly #bare: string

  constructor(id: string | undefined, other: string | undefined) {
    const bare = answerIdFor('anthropic', id, other).slice('msg_'.length)
    this.#bare = isPlainId(bare, longestItemId - 12)
      ? bare
      : createHash('sha256').update(bare).digest('hex').slice(0, 32)
    this.response = `resp_${this.#bare}`
  }

  /** @param kind what ids of such items begin with: `msg`, `rs`, `fc`, `ctc` */
  item(kind: string, index: number): string {
    return `${kind}_${this.#bare}_${index}`
  }
}
