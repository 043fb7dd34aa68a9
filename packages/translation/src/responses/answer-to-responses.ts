import type { JsonObject } from '@spillway/middleware/kit'
import { anthropicUsage } from '@spillway/wire'
import { objectsOf, stringField, textOf } from '@spillway/wire/internal'
import type { TranslatedAnswer } from '../protocols/answer-options.ts'
import { redactedDetail, thinkingDetail } from '../protocols/answer-to-openai.ts'
import { type Loss, mergeLosses } from '../protocols/loss.ts'
import { carriedDetails, isSpillwaySigned } from '../protocols/spillway-signature.ts'
import { argumentsText, callItem, callPrefix } from './call-items.ts'
import { packedReasoning } from './carried-reasoning.ts'
import { endOf, ResponseIds, type ResponsesAnswerOptions, responseObject } from './response-object.ts'
import type { ToolKind } from './tool-kinds.ts'

/** Translates a message that was not streamed into a response of the Responses API. */
export function answerToResponses(
  message: JsonObject,
  options: ResponsesAnswerOptions = {},
): TranslatedAnswer {
  const lost = new Set<Loss>()
  const ids = new ResponseIds(stringField(message, 'id'), options.id)
  const output: JsonObject[] = []
  const stopReason = stringField(message, 'stop_reason')
  const end = endOf(stopReason)
  let texts: JsonObject[] | undefined
  for (const block of objectsOf(message.content)) {
    const index = output.length
    if (block.type === 'text') {
      if (Array.isArray(block.citations) && block.citations.length > 0) lost.add('citations')
      if (texts === undefined) {
        texts = []
        output.push(
          messageItem(
            ids.item('msg', index),
            texts,
            end.status === 'incomplete' ? 'incomplete' : 'completed',
          ),
        )
      }
      texts.push(textPart(textOf(block.text ?? '')))
      continue
    }
    texts = undefined
    if (block.type === 'thinking' || block.type === 'redacted_thinking') {
      output.push(reasoningItem(ids.item('rs', index), block))
    } else if (block.type === 'tool_use') {
      const kind = kindOf(block.name, options)
      output.push(callItem(ids.item(callPrefix(kind), index), block.id, kind, argumentsText(block.input)))
    } else if (block.type !== 'fallback') lost.add('server_tools')
  }
  if (stopReason === 'pause_turn') lost.add('pause_turn')
  const model = message.model || (options.model ?? '')
  const body = responseObject(ids.response, model, end, output, anthropicUsage(message.usage), options)
  return { body, degraded: mergeLosses([...lost]) }
}

/** What a tool that the model has called is to the caller. */
export function kindOf(called: unknown, { toolNames, kinds }: ResponsesAnswerOptions): ToolKind {
  const other = textOf(called)
  const name = toolNames?.get(other) ?? other
  return kinds?.get(name) ?? { type: 'function', name }
}

export function messageItem(id: string, content: readonly JsonObject[], status: string): JsonObject {
  return { id, type: 'message', status, role: 'assistant', content }
}

export function textPart(text: string): JsonObject {
  return { type: 'output_text', text, annotations: [], logprobs: [] }
}

/** A train of thought with all that its origin wants back. */
export function reasoningItem(id: string, block: JsonObject): JsonObject {
  const text = textOf(block.thinking ?? '')
  const summary = text === '' ? [] : [{ type: 'summary_text', text }]
  return {
    id,
    type: 'reasoning',
    summary,
    encrypted_content: packedReasoning(detailsOf(block)),
    status: 'completed',
  }
}

function detailsOf(block: JsonObject): readonly JsonObject[] {
  if (block.type === 'redacted_thinking') return [redactedDetail(block, 0)]
  if (!isSpillwaySigned(block)) return [thinkingDetail(block, 0)]
  const carried = carriedDetails(block)
  return carried.length > 0
    ? carried
    : [{ type: 'reasoning.text', text: textOf(block.thinking ?? ''), index: 0 }]
}
