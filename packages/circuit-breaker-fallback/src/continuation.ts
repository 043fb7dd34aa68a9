import {
  deriveRequest,
  fieldOf,
  type JsonBody,
  type JsonObject,
  type ModelRequest,
  type Transcript,
  withField,
  withItemsAdded,
  withKnownFields,
} from '@spillway/middleware'
import { acceptsPrefill, tokensFromBytes } from '@spillway/wire'

/** What a target is told that has to go on from somebody else's text. */
const goOn =
  'Your last answer was cut off. Go on exactly where it ends, in the middle of the word if need be. ' +
  'Do not repeat anything of it, and do not comment on the interruption.'

/** The text of a broken answer. */
export function textSoFar(transcript: Transcript): string {
  return transcript.blocks.map(({ text }) => text).join('')
}

/**
 * Whether another model can go on from here: in a text, or between two blocks, but not inside a thought or a tool call,
 * and not behind a tool call, whose result nobody has.
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
  let body = withItemsAdded(known, 'messages', turns)
  if (body === undefined) {
    const messages = fieldOf(known, 'messages')
    body = withField(known, 'messages', [...(Array.isArray(messages) ? messages : []), ...turns])
  }
  const used = tokensFromBytes(Buffer.byteLength(beginning))
  for (const name of ['max_tokens', 'max_completion_tokens']) {
    const limit = fieldOf(body, name)
    // What the beginning has used up of it.
    if (typeof limit === 'number') body = withField(body, name, Math.max(1, limit - used))
  }
  return deriveRequest(request, { body })
}

function thinks(body: JsonBody): boolean {
  const thinking = fieldOf(body, 'thinking')
  return typeof thinking === 'object' && thinking !== null && (thinking as JsonObject).type !== 'disabled'
}
