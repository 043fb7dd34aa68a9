import type { Attributes } from '@opentelemetry/api'
import type { ModelRequest, ModelResponse } from '@spillway/middleware'
import { bodyOf, type JsonObject, readBody, type Transcript } from '@spillway/middleware/kit'
import { header } from '@spillway/wire/internal'
import type { Conventions } from './conventions.ts'

/** One part of a message in the conventions' structure. */
type Part = { readonly type: string; readonly content?: unknown }

/** A message in the conventions' structure. */
interface Message {
  readonly role: string
  readonly parts: readonly Part[]
  readonly finish_reason?: string | undefined
}

/** The prompt as attributes: JSON in the conventions' structure. Opt-in, for it is what people said. */
export function promptAttributes(
  request: ModelRequest,
  { attributes: names }: Conventions,
  limit: number,
): Attributes {
  const { messages, system } = request.body.json
  const input = Array.isArray(messages) ? messages.map(inputMessage) : []
  return {
    ...capped(names.inputMessages, input, limit),
    ...(system === undefined ? {} : capped(names.systemInstructions, partsOf(system), limit)),
  }
}

/** The answer as an attribute, from the transcript of a stream or from a whole body. */
export function answerContent(
  said: Transcript | JsonObject | undefined,
  stopReason: string | undefined,
  { attributes: names }: Conventions,
  limit: number,
): Attributes {
  if (said === undefined) return {}
  const message: Message = { role: 'assistant', parts: answerParts(said), finish_reason: stopReason }
  return capped(names.outputMessages, [message], limit)
}

/** An answer that is not streamed is here already: reads it and gives it back beside its parsed form. */
export async function wholeAnswer(
  response: ModelResponse,
): Promise<{ response: ModelResponse; said: JsonObject | undefined }> {
  const isStream = header(response.headers, 'content-type')?.startsWith('text/event-stream')
  if (isStream || response.failure !== undefined) return { response, said: undefined }
  const bytes = await readBody(response.body)
  const again = { ...response, body: bodyOf(bytes) }
  try {
    return { response: again, said: JSON.parse(Buffer.from(bytes).toString()) as JsonObject }
  } catch {
    return { response: again, said: undefined }
  }
}

function inputMessage(message: unknown): Message {
  const { role, content } = (message ?? {}) as { role?: unknown; content?: unknown }
  return { role: typeof role === 'string' ? role : 'unknown', parts: partsOf(content) }
}

function partsOf(content: unknown): Part[] {
  if (typeof content === 'string') return [{ type: 'text', content }]
  if (!Array.isArray(content)) return []
  return content.map((block: { type?: unknown; text?: unknown; content?: unknown }) => {
    if (typeof block?.text === 'string') return { type: 'text', content: block.text }
    // Images and documents are named, not carried.
    const type = typeof block?.type === 'string' ? block.type : 'unknown'
    return typeof block?.content === 'string' ? { type, content: block.content } : { type }
  })
}

function answerParts(said: Transcript | JsonObject): Part[] {
  if (Array.isArray((said as Transcript).blocks)) {
    return (said as Transcript).blocks.map(({ type, text }) =>
      type === 'text' ? { type, content: text } : { type },
    )
  }
  const { content, choices } = said as { content?: unknown; choices?: { message?: { content?: unknown } }[] }
  return partsOf(content ?? choices?.[0]?.message?.content)
}

/** Half a JSON text is none, so what is too long is left out and said to be. */
function capped(name: string, value: unknown, limit: number): Attributes {
  const text = JSON.stringify(value)
  return text.length > limit ? { [`spillway.omitted.${name}`]: text.length } : { [name]: text }
}
