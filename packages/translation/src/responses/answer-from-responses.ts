import type { JsonObject } from '@spillway/middleware/kit'
import { responsesUsage } from '@spillway/wire'
import { objectsOf, stringField, textOf } from '@spillway/wire/internal'
import { answerIdFor } from '../protocols/answer-ids.ts'
import type { AnswerOptions, TranslatedAnswer } from '../protocols/answer-options.ts'
import { stopFields } from '../protocols/answer-to-anthropic.ts'
import { type Loss, mergeLosses } from '../protocols/loss.ts'
import { toolInput } from '../protocols/messages-turns.ts'
import { thinkingBlock } from '../protocols/spillway-signature.ts'
import { answeredToolId } from '../protocols/tool-names.ts'
import { usageForAnthropic } from '../protocols/usage-translation.ts'
import { reasoningOf } from './carried-reasoning.ts'

/** Translates a response that was not streamed into a message. */
export function answerFromResponses(response: JsonObject, options: AnswerOptions = {}): TranslatedAnswer {
  const lost = new Set<Loss>()
  const lose = (loss: Loss): void => void lost.add(loss)
  const id = answerIdFor('anthropic', stringField(response, 'id'), options.id)
  const content: JsonObject[] = []
  let calls = 0
  let isRefused = false
  for (const item of objectsOf(response.output)) {
    switch (item.type) {
      case 'reasoning': {
        const block = thinkingBlock(reasoningTextOf(item), reasoningOf(item))
        if (block !== undefined) content.push(block)
        break
      }
      case 'message':
        for (const part of objectsOf(item.content)) {
          if (part.type === 'refusal') isRefused = true
          const text = textOf(part.text ?? part.refusal ?? '')
          // Claude refuses texts of white space alone when they come back.
          if (text.trim() !== '') content.push({ type: 'text', text })
          if (objectsOf(part.annotations).length > 0) lose('citations')
        }
        break
      case 'function_call':
      case 'custom_tool_call':
        content.push(toolUse(item, id, calls++, options, lose))
        break
      default:
        lose('server_tools')
    }
  }
  const body = {
    id,
    type: 'message',
    role: 'assistant',
    model: response.model || (options.model ?? ''),
    content,
    ...stopFields(stopOfResponse(response, calls > 0, isRefused)),
    usage: usageForAnthropic(responsesUsage(response.usage)),
  }
  return { body, degraded: mergeLosses([...lost]) }
}

/** What a reasoning item shows of itself. */
export function reasoningTextOf(item: JsonObject): string {
  const shown = objectsOf(item.summary).length > 0 ? item.summary : item.content
  return objectsOf(shown)
    .map((part) => textOf(part.text ?? ''))
    .join('\n\n')
}

function toolUse(
  item: JsonObject,
  answer: string,
  position: number,
  { toolNames }: AnswerOptions,
  lose: (loss: Loss) => void,
): JsonObject {
  const name = textOf(item.name)
  const input =
    item.type === 'custom_tool_call' ? { input: textOf(item.input ?? '') } : toolInput(item.arguments, lose)
  const id = answeredToolId(stringField(item, 'call_id'), answer, position)
  return { type: 'tool_use', id, name: toolNames?.get(name) ?? name, input }
}

/** Why a response has ended, in the words of Messages. */
export function stopOfResponse(response: JsonObject, hasCalls: boolean, isRefused: boolean): string {
  const details = response.incomplete_details
  const reason = response.status === 'incomplete' ? stringField(details, 'reason') : undefined
  if (reason === 'content_filter' || isRefused) return 'refusal'
  if (response.status === 'incomplete') return 'max_tokens'
  return hasCalls ? 'tool_use' : 'end_turn'
}
