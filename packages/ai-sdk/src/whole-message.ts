import type { LanguageModelV4GenerateResult } from '@ai-sdk/provider'
import { definedOnly } from '@spillway/middleware/kit'
import { messagesUsage, stopReason } from './reported-usage.ts'

/** A result as the message that says the same: what an attempt is judged by and measured by. */
export function wholeMessage(result: LanguageModelV4GenerateResult, modelId: string): Uint8Array {
  const { content, finishReason, usage, response } = result
  const message = definedOnly<Record<string, unknown>>({
    ...{ id: response?.id, type: 'message', role: 'assistant', model: response?.modelId ?? modelId },
    content: content.map((part) => {
      if (part.type === 'text') return { type: 'text', text: part.text }
      if (part.type === 'reasoning') return { type: 'thinking', thinking: part.text }
      if (part.type !== 'tool-call') return { type: part.type }
      // The input may be no JSON, which the AI SDK repairs.
      return { type: 'tool_use', name: part.toolName, input: { text: part.input } }
    }),
    stop_reason: stopReason(finishReason),
    usage: messagesUsage(usage),
  })
  return new TextEncoder().encode(JSON.stringify(message))
}
