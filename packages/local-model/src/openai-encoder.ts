import type { AnswerEncoder } from './answer-encoder.ts'
import type { Completion } from './prompt.ts'
import { promptSize } from './prompt-size.ts'
import { compactId } from './unique-id.ts'

/**
 * Speaks OpenAI chat completions. `created` is in seconds since the Unix epoch; `includeUsage` is asked when the stream
 * begins.
 */
export function openaiEncoder(model: string, created: number, includeUsage: () => boolean): AnswerEncoder {
  const id = `chatcmpl-${compactId()}`
  const chunk = (choices: readonly unknown[], counts: unknown = null): string => {
    const data = { id, object: 'chat.completion.chunk', created, model, choices }
    return line(includeUsage() ? { ...data, usage: counts } : data)
  }
  const choice = (delta: unknown, reason: string | null): unknown => ({
    index: 0,
    delta,
    finish_reason: reason,
  })
  return {
    headers: { 'x-request-id': `req_${compactId()}` },
    start: () => chunk([choice({ role: 'assistant', content: '' }, null)]),
    piece: (content) => chunk([choice({ content }, null)]),
    finish(completion) {
      const last = includeUsage() ? chunk([], usage(completion)) : ''
      return `${chunk([choice({}, reasonOf(completion))])}${last}data: [DONE]\n\n`
    },
    broken: (message) => line(errorBody(500, message)),
    whole(content, completion) {
      const message = { role: 'assistant', content, refusal: null }
      return JSON.stringify({
        id,
        object: 'chat.completion',
        created,
        model,
        choices: [{ index: 0, message, logprobs: null, finish_reason: reasonOf(completion) }],
        usage: usage(completion),
      })
    },
    statusOf: (status) => (status === 529 ? 503 : status),
    error: (status, message) => JSON.stringify(errorBody(status, message)),
  }
}

function line(data: unknown): string {
  return `data: ${JSON.stringify(data)}\n\n`
}

function errorBody(status: number, message: string): unknown {
  const type = status === 400 ? 'invalid_request_error' : 'server_error'
  const size = promptSize(message)
  if (size === undefined) return { error: { message, type, param: null, code: null } }
  const words = `This model's maximum context length is ${size.most} tokens, and the messages come to ${size.tokens} tokens.`
  return { error: { message: words, type, param: 'messages', code: 'context_length_exceeded' } }
}

function reasonOf({ stop }: Completion): string {
  return stop === 'max_tokens' || stop === 'context' ? 'length' : 'stop'
}

function usage({ inputTokens, outputTokens }: Completion): Record<string, number> {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  }
}
