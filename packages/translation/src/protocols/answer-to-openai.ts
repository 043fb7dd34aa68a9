import type { JsonObject } from '@spillway/middleware/kit'
import { anthropicUsage } from '@spillway/wire'
import { objectsOf, stringField, textOf, writeJson } from '@spillway/wire/internal'
import { answerIdFor } from './answer-ids.ts'
import type { AnswerOptions, TranslatedAnswer } from './answer-options.ts'
import { type Loss, mergeLosses } from './loss.ts'
import { carriedDetails, isSpillwaySigned } from './spillway-signature.ts'
import { finishReasonOf } from './stop-reason.ts'
import { usageForOpenAi } from './usage-translation.ts'

/** How OpenRouter names the form of Claude's thinking; what comes back under this name can be given to Claude again. */
const format = 'anthropic-claude-v1'

/** Translates a message that was not streamed into a chat completion. */
export function answerToOpenAi(message: JsonObject, options: AnswerOptions = {}): TranslatedAnswer {
  const lost = new Set<Loss>()
  const texts: string[] = []
  const thoughts: string[] = []
  const details: JsonObject[] = []
  const calls: JsonObject[] = []
  for (const block of objectsOf(message.content)) {
    switch (block.type) {
      case 'text':
        if (Array.isArray(block.citations) && block.citations.length > 0) lost.add('citations')
        texts.push(stringField(block, 'text') ?? '')
        break
      case 'thinking':
        thoughts.push(stringField(block, 'thinking') ?? '')
        details.push(
          ...(isSpillwaySigned(block) ? carriedDetails(block) : [thinkingDetail(block, details.length)]),
        )
        break
      case 'redacted_thinking':
        details.push(redactedDetail(block, details.length))
        break
      case 'tool_use': {
        const name = textOf(block.name)
        const fn = {
          name: options.toolNames?.get(name) ?? name,
          arguments: writeJson(block.input ?? {}),
        }
        calls.push({ id: block.id, type: 'function', function: fn })
        break
      }
      // Another model goes on behind it: nothing is lost.
      case 'fallback':
        break
      default:
        lost.add('server_tools')
    }
  }
  const stopReason = stringField(message, 'stop_reason')
  if (stopReason === 'pause_turn') lost.add('pause_turn')
  const body = {
    id: answerIdFor('openai', stringField(message, 'id'), options.id),
    object: 'chat.completion',
    created: options.created ?? 0,
    model: message.model || (options.model ?? ''),
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: texts.length > 0 ? texts.join('') : null,
          refusal: null,
          ...(thoughts.length > 0 ? { reasoning_content: thoughts.join('') } : {}),
          ...(details.length > 0 ? { reasoning_details: details } : {}),
          ...(calls.length > 0 ? { tool_calls: calls } : {}),
        },
        logprobs: null,
        finish_reason: finishReasonOf(stopReason),
      },
    ],
    usage: usageForOpenAi(anthropicUsage(message.usage)),
  }
  return { body, degraded: mergeLosses([...lost]) }
}

/** A thinking block as a trace that a caller can send back; a piece of one in a stream. */
export function thinkingDetail(
  piece: { readonly thinking?: unknown; readonly signature?: unknown },
  index: number,
): JsonObject {
  const { thinking, signature } = piece
  return {
    type: 'reasoning.text',
    ...(thinking === undefined ? {} : { text: thinking }),
    ...(signature === undefined ? {} : { signature }),
    format,
    index,
  }
}

/** The same for redacted thinking. */
export function redactedDetail(block: JsonObject, index: number): JsonObject {
  return { type: 'reasoning.encrypted', data: block.data, format, index }
}
