import type { JsonObject } from '@spillway/middleware/kit'
import {
  callPieces,
  contentPieces,
  isObject,
  joinDetails,
  objectsOf,
  reasoningText,
  stringField,
  textOf,
  usageOfCompletion,
} from '@spillway/wire/internal'
import { answerIdFor } from './answer-ids.ts'
import type { AnswerOptions, TranslatedAnswer } from './answer-options.ts'
import { type Loss, mergeLosses } from './loss.ts'
import { toolInput } from './messages-turns.ts'
import { thinkingBlock } from './spillway-signature.ts'
import { stopReasonOf } from './stop-reason.ts'
import { answeredToolId } from './tool-names.ts'
import { usageForAnthropic } from './usage-translation.ts'

/** Translates a chat completion that was not streamed into a message. */
export function answerToAnthropic(completion: JsonObject, options: AnswerOptions = {}): TranslatedAnswer {
  const lost = new Set<Loss>()
  const lose = (loss: Loss): void => void lost.add(loss)
  const choices = objectsOf(completion.choices)
  if (choices.length > 1) lose('choices')
  const message = isObject(choices[0]?.message) ? choices[0].message : {}
  const id = answerIdFor('anthropic', stringField(completion, 'id'), options.id)
  const pieces = contentPieces(message.content)
  const thought = pieces.flatMap(({ type, text }) => (type === 'thinking' ? [text] : [])).join('')
  const thoughts = thinkingBlock(
    reasoningText(message) || thought,
    joinDetails(objectsOf(message.reasoning_details)),
  )
  // Claude refuses texts of white space alone when they come back.
  const texts = pieces
    .filter(({ type, text }) => type === 'text' && text.trim() !== '')
    .map(({ text }) => ({ type: 'text', text }))
  const refusal = stringField(message, 'refusal') ?? ''
  const calls = callPieces(message).map((call, position) => ({
    type: 'tool_use',
    id: answeredToolId(call.id, id, position),
    name: options.toolNames?.get(call.name) ?? call.name,
    // A custom tool has one argument, of free text.
    input: call.isCustom ? { input: textOf(call.input ?? '') } : toolInput(call.input, lose),
  }))
  const stop_reason = stopReasonOf(stringField(choices[0], 'finish_reason'), calls.length > 0, refusal !== '')
  const body = {
    id,
    type: 'message',
    role: 'assistant',
    model: completion.model || (options.model ?? ''),
    content: [
      ...(thoughts === undefined ? [] : [thoughts]),
      ...texts,
      ...(refusal === '' ? [] : [{ type: 'text', text: refusal }]),
      ...calls,
    ],
    ...stopFields(stop_reason),
    usage: usageForAnthropic(usageOfCompletion(completion)),
  }
  return { body, degraded: mergeLosses([...lost]) }
}

/** How a message says why it ended. */
export function stopFields(stop_reason: string): JsonObject {
  return {
    stop_reason,
    stop_sequence: null,
    ...(stop_reason === 'refusal'
      ? { stop_details: { type: 'refusal', category: null, explanation: null } }
      : {}),
  }
}
