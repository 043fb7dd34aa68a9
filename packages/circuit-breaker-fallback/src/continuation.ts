import {
  deriveRequest,
  type JsonObject,
  jsonBodyFromObject,
  type ModelRequest,
  type Transcript,
} from '@spillway/middleware'
import { acceptsPrefill, tokensFromBytes, withSources, writeJson } from '@spillway/wire'

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
  const json = withSources(request.body.json, request.body.bytes)
  const beginning = textSoFar(transcript)
  // Anthropic refuses a last turn that ends in white space.
  const prefill = { role: 'assistant', content: beginning.trimEnd() }
  const isPrefilled = request.api === 'anthropic' && acceptsPrefill(model) && !thinks(json)
  const messages = Array.isArray(json.messages) ? (json.messages as unknown[]) : []
  const turns = isPrefilled ? [prefill] : [prefill, { role: 'user', content: goOn }]
  const continued = { ...json, ...remainingTokens(json, beginning), messages: [...messages, ...turns] }
  return deriveRequest(request, { body: jsonBodyFromObject(continued, writeJson) })
}

function thinks(json: JsonObject): boolean {
  const { thinking } = json
  return typeof thinking === 'object' && thinking !== null && (thinking as JsonObject).type !== 'disabled'
}

/** What the beginning has used up of the limit for the answer. */
function remainingTokens(json: JsonObject, beginning: string): JsonObject {
  const used = tokensFromBytes(Buffer.byteLength(beginning))
  const limits = Object.entries(json).filter(
    ([name, value]) =>
      (name === 'max_tokens' || name === 'max_completion_tokens') && typeof value === 'number',
  )
  return Object.fromEntries(limits.map(([name, value]) => [name, Math.max(1, (value as number) - used)]))
}
