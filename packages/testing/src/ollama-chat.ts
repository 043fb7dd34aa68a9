import {
  type Answer,
  type Call,
  errorAnswer,
  type Frame,
  fieldsOf,
  jsonAnswer,
  modelOf,
  type Refusal,
  type Route,
} from './answer.ts'
import { replyTo } from './messages-route.ts'
import { ollamaNative } from './ollama-error.ts'
import type { FullReply } from './reply.ts'
import type { ServerOptions } from './simulated-server.ts'

/** Ollama's own `POST /api/chat`: a stream of lines unless it is told otherwise. */
export function ollamaChatRoute(options: ServerOptions, refuse: (call: Call) => Refusal | undefined): Route {
  return {
    dialect: ollamaNative,
    generates: true,
    answer(call): Answer {
      const refused = refuse(call)
      if (refused !== undefined) return errorAnswer(ollamaNative, call, refused)
      const { stream, messages } = fieldsOf(call.request.json)
      const model = modelOf(call)
      // Without messages the request only loads the model.
      if (!Array.isArray(messages) || messages.length === 0) {
        const message = { role: 'assistant', content: '' }
        return jsonAnswer(JSON.stringify({ ...base(model), message, done: true, done_reason: 'load' }), {})
      }
      const reply = replyTo(call, options)
      if (stream === false) return jsonAnswer(JSON.stringify(whole(model, reply)), {})
      return { status: 200, contentType: ollamaNative.streamType, headers: {}, body: lines(model, reply) }
    },
  }
}

function whole(model: string, reply: FullReply): object {
  const message = {
    role: 'assistant',
    content: reply.text.join(''),
    ...(reply.thinking.length > 0 ? { thinking: reply.thinking.join('') } : {}),
    ...(reply.toolUse.length > 0 ? { tool_calls: toolCalls(reply) } : {}),
  }
  return { ...base(model), message, ...last(reply) }
}

function lines(model: string, reply: FullReply): Frame[] {
  const list: Frame[] = []
  const add = (message: object, more: object, content: boolean): void => {
    const line = { ...base(model), message: { role: 'assistant', content: '', ...message }, ...more }
    list.push({ text: `${JSON.stringify(line)}\n`, content })
  }
  const open = { done: false }
  for (const thinking of reply.thinking) add({ thinking }, open, true)
  for (const content of reply.text) add({ content }, open, true)
  if (reply.toolUse.length > 0) add({ tool_calls: toolCalls(reply) }, open, true)
  add({}, last(reply), false)
  return list
}

function base(model: string): object {
  return { model, created_at: new Date().toISOString() }
}

function toolCalls({ toolUse }: FullReply): object[] {
  return toolUse.map(({ name, input }) => ({ function: { name, arguments: input } }))
}

function last({ stopReason, usage }: FullReply): object {
  return {
    done: true,
    done_reason: stopReason === 'max_tokens' ? 'length' : 'stop',
    total_duration: 5_000_000,
    load_duration: 1_000_000,
    prompt_eval_count: usage.inputTokens,
    prompt_eval_duration: 1_000_000,
    eval_count: usage.outputTokens,
    eval_duration: 3_000_000,
  }
}
