import type { ModelResponse } from '@spillway/middleware'
import { bodyOf, type JsonObject, type ResponseHeaders, readBody } from '@spillway/middleware/kit'
import { omitHeaders } from '@spillway/wire/internal'
import { isObject, parseExactly } from './json-values.ts'
import { iteration, readRefusal, seamBlock } from './model-refusal.ts'
import type { RefusalChain } from './refusal-chain.ts'

const decoder = new TextDecoder()
const encoder = new TextEncoder()

/** The answer of the first model that gives one, as one message; where all decline, the last refusal as it came. */
export async function wholeAnswer(
  chain: RefusalChain,
  response: ModelResponse,
  first: string,
): Promise<ModelResponse> {
  const lead: JsonObject[] = []
  const iterations: JsonObject[] = []
  let current = response
  let model = first
  while (current.refusal !== undefined) {
    const bytes = await readBody(current.body)
    const refusal = readRefusal(messageIn(bytes), model)
    const answer = await chain.next(refusal, { continues: false })
    if (answer === undefined) return { ...current, body: bodyOf(bytes) }
    lead.push(...answer.continued, seamBlock(refusal, answer.model))
    iterations.push(iteration('message', model, refusal.usage))
    current = answer.response
    model = answer.model
  }
  chain.settle(model)
  if (lead.length === 0) return current
  const message = messageIn(await readBody(current.body))
  const usage = isObject(message.usage) ? message.usage : {}
  const content = [...lead, ...(message.content as unknown[])]
  iterations.push(iteration('fallback_message', model, usage))
  const body = JSON.stringify({ ...message, content, usage: { ...usage, iterations } })
  return { ...current, headers: withoutLength(current.headers), body: bodyOf(encoder.encode(body)) }
}

function messageIn(bytes: Uint8Array): JsonObject {
  const message = parseExactly(decoder.decode(bytes))
  return isObject(message) ? message : {}
}

/** The headers of a body that has become another. */
export function withoutLength(headers: ResponseHeaders): ResponseHeaders {
  return omitHeaders(headers, (name) => name === 'content-length')
}
