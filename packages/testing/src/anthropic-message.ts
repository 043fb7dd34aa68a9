import { type Call, type Frame, fieldsOf } from './answer.ts'
import { ping, sse } from './anthropic-error.ts'
import type { FullReply } from './reply.ts'

/** How a message differs between the vendors that speak this protocol. */
export interface MessageFlavour {
  /** The stream's first keep-alives, before or after `message_start`. */
  readonly comment?: string
  readonly pings: boolean
  /** Whether thinking comes without a signature. @default false */
  readonly unsigned?: boolean
  /** Adds to the usage. */
  readonly moreUsage?: (reply: FullReply) => Readonly<Record<string, unknown>>
}

const hasThinking = (reply: FullReply): boolean => reply.thinking.length > 0 || reply.thinkingOmitted

/** What is said before the first call, and what before the second. */
function wordsOf({ text, toolUse, interleaved }: FullReply): readonly [readonly string[], readonly string[]] {
  return interleaved && toolUse.length > 1 ? [text.slice(0, -1), text.slice(-1)] : [text, []]
}

/** A message that is not streamed. */
export function messageBody(call: Call, model: string, reply: FullReply, flavour: MessageFlavour): string {
  const content: unknown[] = [...(reply.seams ?? [])]
  if (hasThinking(reply)) {
    const signed = flavour.unsigned ? {} : { signature: signature(call) }
    content.push({ type: 'thinking', thinking: reply.thinking.join(''), ...signed })
  }
  const [words, lastWords] = wordsOf(reply)
  if (words.length > 0) content.push({ type: 'text', text: words.join('') })
  reply.toolUse.forEach(({ id, name, input }, i) => {
    if (i === 1 && lastWords.length > 0) content.push({ type: 'text', text: lastWords.join('') })
    content.push({ type: 'tool_use', id: id ?? toolId(call, i), name, input })
  })
  const usage = { ...startUsage(reply), ...endUsage(reply), ...moreUsage(reply, flavour) }
  return JSON.stringify({
    ...message(call, reply.model ?? model),
    ...messageContainer(call),
    ...{ content, ...stop(reply), usage },
  })
}

/** The events of a streamed message. */
export function messageFrames(call: Call, model: string, reply: FullReply, flavour: MessageFlavour): Frame[] {
  const list: Frame[] = []
  const add = (type: string, data: object, content = false): void => {
    list.push({ text: `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`, content })
  }
  let index = -1
  const block = (start: object, deltas: Iterable<object>, startsWithContent = false): void => {
    index++
    add('content_block_start', { index, content_block: start }, startsWithContent)
    for (const delta of deltas) add('content_block_delta', { index, delta }, true)
    add('content_block_stop', { index })
  }

  if (flavour.comment !== undefined) list.push({ text: flavour.comment, content: false })
  const opening = {
    ...message(call, reply.model ?? model),
    content: [],
    stop_reason: null,
    stop_sequence: null,
  }
  add('message_start', { message: { ...opening, usage: startUsage(reply) } })
  if (flavour.pings) list.push({ text: ping, content: false })
  for (const seam of reply.seams ?? []) block(seam, [])
  if (hasThinking(reply)) {
    const deltas: object[] = reply.thinking.map((thinking) => ({ type: 'thinking_delta', thinking }))
    if (!flavour.unsigned) deltas.push({ type: 'signature_delta', signature: signature(call) })
    block({ type: 'thinking', thinking: '', signature: '' }, deltas)
  }
  const say = (pieces: readonly string[]): void => {
    if (pieces.length === 0) return
    block({ type: 'text', text: '' }, [])
    list.pop()
    for (const frame of textFrames(pieces, index)) list.push(frame)
    add('content_block_stop', { index })
  }
  const [words, lastWords] = wordsOf(reply)
  say(words)
  reply.toolUse.forEach(({ id, name, input }, i) => {
    if (i === 1) say(lastWords)
    const start = { type: 'tool_use', id: id ?? toolId(call, i), name, input: {} }
    const parts = ['', ...(JSON.stringify(input) ?? '{}').match(/.{1,16}/gsu)!]
    block(
      start,
      parts.map((partial_json) => ({ type: 'input_json_delta', partial_json })),
      true,
    )
  })
  if (reply.refusal?.inBlock) list.pop()
  const { container } = messageContainer(call)
  add('message_delta', {
    delta: { ...stop(reply), ...(container && { container }) },
    usage: { ...endUsage(reply), ...moreUsage(reply, flavour) },
  })
  add('message_stop', {})
  return list
}

function moreUsage(reply: FullReply, flavour: MessageFlavour): object {
  return { ...flavour.moreUsage?.(reply), ...reply.moreUsage }
}

const textFramesOf = new WeakMap<readonly string[], { index: number; frames: readonly Frame[] }>()

/** The text deltas, which are the same for every request that gets the same reply. */
function textFrames(pieces: readonly string[], index: number): readonly Frame[] {
  const known = textFramesOf.get(pieces)
  if (known?.index === index) return known.frames
  const frames = pieces.map((text) => {
    const data = { type: 'content_block_delta', index, delta: { type: 'text_delta', text } }
    return { text: sse('content_block_delta', data), content: true }
  })
  textFramesOf.set(pieces, { index, frames })
  return frames
}

function message(call: Call, model: string): object {
  return { id: `msg_${call.id}`, type: 'message', role: 'assistant', model, container: null }
}

/** Where code may be executed, an answer names the container, which the next call may go on in. */
function messageContainer(call: Call): { readonly container: object | null } {
  const { tools, container } = fieldsOf(call.request.json)
  const types = (Array.isArray(tools) ? tools : []).map((tool) => String(fieldsOf(tool).type))
  if (!types.some((type) => type.startsWith('code_execution_'))) return { container: null }
  const given = typeof container === 'string' ? container : fieldsOf(container).id
  return { container: { id: given ?? `container_${call.id}`, expires_at: '2026-12-31T00:00:00Z' } }
}

function stop({ stopReason, refusal, stopDetails }: FullReply): object {
  return {
    stop_reason: stopReason,
    stop_sequence: null,
    stop_details:
      stopDetails ??
      (stopReason === 'refusal'
        ? { type: 'refusal', category: refusal?.category ?? null, explanation: refusal?.explanation ?? null }
        : null),
  }
}

function cacheUsage({ usage }: FullReply): object {
  return {
    input_tokens: usage.inputTokens,
    cache_creation_input_tokens: usage.cacheWriteTokens,
    cache_read_input_tokens: usage.cacheReadTokens,
  }
}

function startUsage(reply: FullReply): object {
  const { cacheWriteTokens, cacheWrite1hTokens, outputTokens } = reply.usage
  return {
    ...cacheUsage(reply),
    cache_creation: {
      ephemeral_5m_input_tokens: cacheWriteTokens - cacheWrite1hTokens,
      ephemeral_1h_input_tokens: cacheWrite1hTokens,
    },
    output_tokens: Math.min(1, outputTokens),
    service_tier: 'standard',
    inference_geo: 'global',
    speed: 'standard',
  }
}

function endUsage(reply: FullReply): object {
  return {
    ...cacheUsage(reply),
    output_tokens: reply.usage.outputTokens,
    output_tokens_details: { thinking_tokens: reply.usage.reasoningTokens },
    server_tool_use: null,
  }
}

function toolId(call: Call, i: number): string {
  return `toolu_${call.id}${i}`
}

/** What Claude signs the thinking of an answer with. */
export function signature(call: Call): string {
  return Buffer.from(`signature of ${call.id}`).toString('base64')
}
