import type { JsonObject } from '@spillway/middleware/kit'
import { isObject, objectsOf } from './json-values.ts'

/** What a model that declined has said, and what it grants for a retry. */
export interface ModelRefusal {
  /** The model that was asked, as it was asked for. */
  readonly from: string
  readonly category: string | null
  /** Pays for the prompt cache of the next model; undefined where there is none. */
  readonly token: string | undefined
  /** What was said before, in the form in which the next model may continue it; undefined where it may not. */
  readonly continuation: readonly JsonObject[] | undefined
  /** Whether the vendor's own tools have run: a retry that does not continue runs them, and pays for them, again. */
  readonly ranTools: boolean
  readonly usage: JsonObject
}

/** Reads the message that a model declined with. */
export function readRefusal(message: JsonObject, from: string): ModelRefusal {
  const details = isObject(message.stop_details) ? message.stop_details : {}
  const { category, fallback_credit_token: token, fallback_has_prefill_claim: claim } = details
  const content = continuable(objectsOf(message.content))
  const hasToken = typeof token === 'string' && token !== ''
  return {
    from,
    category: typeof category === 'string' ? category : null,
    token: hasToken ? token : undefined,
    // Some venues do not say: there the token is tried with it first.
    continuation: hasToken && claim !== false && content.length > 0 ? content : undefined,
    ranTools: content.some(({ type }) => type === 'server_tool_use'),
    usage: isObject(message.usage) ? message.usage : {},
  }
}

/** Without calls that have no result, and without the white space at the end that Claude refuses there. */
function continuable(content: readonly JsonObject[]): JsonObject[] {
  const answered = new Set(content.map(({ tool_use_id: id }) => id))
  const kept = content.filter(({ type, id }) => {
    if (type === 'server_tool_use' || type === 'mcp_tool_use') return answered.has(id)
    return type !== 'tool_use' && type !== 'fallback'
  })
  const last = kept.at(-1)
  if (last?.type !== 'text' || typeof last.text !== 'string') return kept
  const text = last.text.trimEnd()
  return text === '' ? kept.slice(0, -1) : [...kept.slice(0, -1), { ...last, text }]
}

/** The block that marks where one model's output ends and the next one's begins, as Anthropic's server writes it. */
export function seamBlock({ from, category }: ModelRefusal, to: string): JsonObject {
  return {
    type: 'fallback',
    from: { model: from },
    to: { model: to },
    trigger: { type: 'refusal', category },
  }
}

/** What one of several models has used, as Anthropic's server reports it in `usage.iterations`. */
export function iteration(
  type: 'message' | 'fallback_message',
  model: string,
  usage: JsonObject,
): JsonObject {
  return {
    type,
    model,
    input_tokens: usage.input_tokens ?? 0,
    output_tokens: usage.output_tokens ?? 0,
    cache_read_input_tokens: usage.cache_read_input_tokens ?? 0,
    cache_creation_input_tokens: usage.cache_creation_input_tokens ?? 0,
    cache_creation: usage.cache_creation ?? null,
  }
}
