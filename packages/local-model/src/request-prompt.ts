import type { Api } from '@spillway/middleware'
import type { JsonObject } from '@spillway/middleware/kit'
import { promptFromAnthropic } from './anthropic-prompt.ts'
import { promptFromOpenai } from './openai-prompt.ts'
import type { Prompt } from './prompt.ts'
import { badRequest, isObject } from './request-fields.ts'

/** A request as its caller's protocol encodes it. */
export interface RequestBody {
  readonly api: Api
  readonly operation: 'generate' | 'count_tokens'
  /** UTF-8 JSON. */
  readonly bytes: Uint8Array
}

/** What the answer depends on, besides the prompt. */
export interface RequestFacts {
  /** What the request asked for and a prompt of text cannot carry. */
  readonly losses: readonly string[]
  /** Whether a stream ends with a chunk of usage, which OpenAI's protocol has on request. */
  readonly includeUsage: boolean
}

/**
 * Parses a request's body and turns it into a prompt.
 * @throws LocalModelError with code `SPILLWAY_LOCAL_PROMPT_INVALID`
 */
export function readRequest(request: RequestBody): { readonly prompt: Prompt; readonly facts: RequestFacts } {
  if (request.api === 'responses')
    throw badRequest(
      "the embedded model does not take calls of OpenAI's Responses API: use Messages or chat completions",
    )
  const body = parseBody(request.bytes)
  try {
    const prompt =
      request.api === 'anthropic' ? promptFromAnthropic(body, request.operation) : promptFromOpenai(body)
    const options = body.stream_options
    const includeUsage = isObject(options) && options.include_usage === true
    return { prompt, facts: { losses: prompt.losses, includeUsage } }
  } catch (error) {
    // A stack overflow: content within content within content.
    if (error instanceof RangeError) throw badRequest('messages: the content is nested too deeply')
    throw error
  }
}

function parseBody(bytes: Uint8Array): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw badRequest(`the body is no JSON object: ${(error as Error).message}`)
  }
  if (!isObject(value)) throw badRequest('the body is no JSON object')
  return value
}
