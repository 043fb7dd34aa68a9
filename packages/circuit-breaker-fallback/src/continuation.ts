import { deriveRequest, type ModelRequest } from '@spillway/middleware'
import {
  fieldOf,
  type JsonBody,
  type JsonObject,
  type Transcript,
  withField,
  withItemsAdded,
  withKnownFields,
} from '@spillway/middleware/kit'
import { acceptsPrefill, tokensFromBytes } from '@spillway/wire/internal'

/** What a target is told that has to go on from another one's text. */
const goOn =
  'Your last answer was cut off. Go on exactly where it ends, in the middle of the word if need be. ' +
  'Do not repeat anything of it, and do not comment on the interruption.'

/** The text of a broken answer. */
export function textSoFar(transcript: Transcript): string {
  return transcript.blocks.map(({ text }) => text).join('')
}

/**
 * Whether another model can go on from here: in a text, or between two blocks, but not inside a thought or a tool call,
 * and not behind a tool call, whose result is missing.
 */
export function canContinue(transcript: Transcript | undefined): transcript is Transcript {
  if (transcript === undefined || textSoFar(transcript).trim() === '') return false
  return transcript.blocks.every(({ type, isOpen }) => type === 'text' || (type === 'thinking' && !isOpen))
}

/**
 * A request for the rest of an answer. Models that take it get the beginning as their own last turn, the others the
 * beginning and a turn that asks to go on.
 * @param model the model that will answer
 */
export function continuationRequest(
  request: ModelRequest,
  transcript: Transcript,
  model: string,
): ModelRequest {
  const beginning = textSoFar(transcript)
  // Anthropic refuses a last turn that ends in white space.
  const prefill = { role: 'assistant', content: beginning.trimEnd() }
  const known = withKnownFields(request.body) ?? request.body
  const isPrefilled = request.api === 'anthropic' && acceptsPrefill(model) && !thinks(known)
  const turns = isPrefilled ? [prefill] : [prefill, { role: 'user', content: goOn }]
  const name = request.api === 'responses' ? 'input' : 'messages'
  let body = withItemsAdded(known, name, turns)
  if (body === undefined) body = withField(known, name, [...turnsOf(fieldOf(known, name)), ...turns])
  const used = tokensFromBytes(Buffer.byteLength(beginning))
  for (const [field, least] of limits) {
    const limit = fieldOf(body, field)
    // What the beginning has used up of it.
    if (typeof limit === 'number') body = withField(body, field, Math.max(least, limit - used))
  }
  return deriveRequest(request, { body })
}

/** The limits of an answer in tokens, with the least that servers take. */
const limits: readonly (readonly [field: string, least: number])[] = [
  ['max_tokens', 1],
  ['max_completion_tokens', 1],
  ['max_output_tokens', 16],
]

/** An input of Responses may be one text. */
function turnsOf(value: unknown): readonly unknown[] {
  if (typeof value === 'string') return [{ role: 'user', content: value }]
  return Array.isArray(value) ? value : []
}

function thinks(body: JsonBody): boolean {
  const thinking = fieldOf(body, 'thinking')
  return typeof thinking === 'object' && thinking !== null && (thinking as JsonObject).type !== 'disabled'
}
