import { type Call, type Frame, fieldsOf, type Refusal } from './answer.ts'
import type { FullReply } from './reply.ts'

/** How chat completions differ between the vendors that speak this protocol. */
export interface ChatFlavour {
  /** A comment before the first event of a stream. */
  readonly comment?: string
  /** Whether a stream's last event has the usage without `include_usage`. */
  readonly alwaysUsage: boolean
  readonly idOf: (call: Call) => string
  /** More fields of every response and chunk. */
  readonly more?: (reply: FullReply) => Readonly<Record<string, unknown>>
  /** More fields of a choice that has ended. */
  readonly moreChoice?: (reply: FullReply) => Readonly<Record<string, unknown>>
  readonly moreUsage?: (reply: FullReply) => Readonly<Record<string, unknown>>
  /** The field that has the thinking, whatever the reply says; `silently` where there is no word of it. */
  readonly thinks?: string
}

const finishReasons: Readonly<Record<string, string>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool_calls',
  refusal: 'content_filter',
}

/** A stop reason in OpenAI's words. */
export function finishReason({ stopReason }: FullReply): string {
  return finishReasons[stopReason] ?? stopReason
}

/** What is wrong with the body of a chat request, in the main points. */
export function refusedChat(call: Call): Refusal | undefined {
  if (call.request.tooLarge) return { status: 413 }
  if (call.request.json === undefined) return { status: 400, message: 'The request body is not valid JSON' }
  const { model, messages } = fieldsOf(call.request.json)
  if (typeof model !== 'string' || model === '') return { status: 400, message: 'model is required' }
  if (!Array.isArray(messages) || messages.length === 0) {
    return { status: 400, message: 'messages must be a list that is not empty' }
  }
  return undefined
}

/** A completion that is not streamed. */
export function chatBody(call: Call, model: string, reply: FullReply, flavour: ChatFlavour): string {
  const calls = reply.toolUse.map(({ id, name, input }, i) => ({
    id: id ?? callId(call, i),
    type: 'function',
    function: { name, arguments: JSON.stringify(input) ?? '{}' },
  }))
  return JSON.stringify({
    ...base(call, 'chat.completion', model, reply, flavour),
    system_fingerprint: null,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: reply.text.length > 0 ? reply.text.join('') : null,
          refusal: null,
          ...thoughts(reply, flavour, (text) => [text.join('')])[0],
          ...(calls.length > 0 ? { tool_calls: calls } : {}),
        },
        logprobs: null,
        finish_reason: finishReason(reply),
        ...flavour.moreChoice?.(reply),
      },
    ],
    usage: reply.withoutUsage ? undefined : chatUsage(reply, flavour),
  })
}

/** What is said of the thinking, piece by piece. */
function thoughts(
  { thinking, thinkingField }: FullReply,
  { thinks = thinkingField }: ChatFlavour,
  pieces: (text: readonly string[]) => readonly string[] = (text) => text,
): Readonly<Record<string, string>>[] {
  if (thinks === 'silently' || thinking.length === 0) return []
  return pieces(thinking).map((text) => ({ [thinks]: text }))
}

/** The events of a streamed completion. */
export function chatFrames(call: Call, model: string, reply: FullReply, flavour: ChatFlavour): Frame[] {
  const { stream_options: options } = fieldsOf(call.request.json)
  const start = JSON.stringify(base(call, 'chat.completion.chunk', model, reply, flavour)).slice(0, -1)
  const list: Frame[] = []
  // Written by hand around the delta: a stream has hundreds of these.
  const delta = (json: string, content: boolean): void => {
    const choice = `{"index":0,"delta":${json},"finish_reason":null}`
    list.push({ text: `data: ${start},"choices":[${choice}]}\n\n`, content })
  }
  if (flavour.comment !== undefined) list.push({ text: flavour.comment, content: false })
  delta('{"role":"assistant","content":""}', false)
  for (const thought of thoughts(reply, flavour)) delta(JSON.stringify(thought), true)
  const say = (content: string): void => delta(`{"content":${JSON.stringify(content)}}`, true)
  const lastWords = reply.interleaved ? reply.text.slice(-1) : []
  for (const piece of reply.text.slice(0, reply.text.length - lastWords.length)) say(piece)
  for (const step of callSteps(call, reply)) {
    delta(JSON.stringify({ tool_calls: [step] }), true)
    if (lastWords.length > 0 && step.index === reply.toolUse.length - 1) say(lastWords.pop() as string)
  }
  for (const piece of lastWords) say(piece)
  const last = { index: 0, delta: {}, finish_reason: finishReason(reply), ...flavour.moreChoice?.(reply) }
  list.push({ text: `data: ${start},"choices":[${JSON.stringify(last)}]}\n\n`, content: false })
  if (!reply.withoutUsage && (flavour.alwaysUsage || fieldsOf(options).include_usage === true)) {
    const usage = JSON.stringify(chatUsage(reply, flavour))
    list.push({ text: `data: ${start},"choices":[],"usage":${usage}}\n\n`, content: false })
  }
  list.push({ text: 'data: [DONE]\n\n', content: false })
  return list
}

interface CallStep {
  readonly index: number
  readonly [name: string]: unknown
}

/** The deltas of all calls, one call after the other or by turns. */
function callSteps(call: Call, { toolUse, interleaved }: FullReply): CallStep[] {
  const each = toolUse.map(({ id, name, input }, index): CallStep[] => {
    const fn = { name, arguments: '' }
    const opened = { index, id: id ?? callId(call, index), type: 'function', function: fn }
    const parts = (JSON.stringify(input) ?? '{}').match(/.{1,16}/gsu) ?? []
    return [opened, ...parts.map((part) => ({ index, function: { arguments: part } }))]
  })
  if (!interleaved) return each.flat()
  const longest = Math.max(0, ...each.map((steps) => steps.length))
  return Array.from({ length: longest }, (_, i) => each.flatMap((steps) => steps[i] ?? [])).flat()
}

/** Token counts in OpenAI's words, where the prompt includes what is cached. */
export function chatUsage({ usage, ...reply }: FullReply, flavour: ChatFlavour): object {
  const prompt = usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens
  return {
    prompt_tokens: prompt,
    completion_tokens: usage.outputTokens,
    total_tokens: prompt + usage.outputTokens,
    prompt_tokens_details: {
      cached_tokens: usage.cacheReadTokens,
      cache_write_tokens: usage.cacheWriteTokens,
    },
    completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    ...flavour.moreUsage?.({ usage, ...reply }),
    ...reply.moreUsage,
  }
}

function base(call: Call, object: string, model: string, reply: FullReply, flavour: ChatFlavour): object {
  const created = Math.floor(Date.now() / 1000)
  return { id: flavour.idOf(call), object, created, model: reply.model ?? model, ...flavour.more?.(reply) }
}

function callId(call: Call, i: number): string {
  return `call_${call.id}${i}`
}
