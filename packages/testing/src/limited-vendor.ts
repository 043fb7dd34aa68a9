import type { ModelRequest } from '@spillway/middleware'
import { sse } from './anthropic-error.ts'
import { type EnforcedLimits, isRefusal, type LimitedLease } from './enforced-limits.ts'
import { type CachedPrompt, type PromptCache, promptCache } from './prompt-cache.ts'

/** What a simulated model does with one call. Times are in milliseconds. */
export interface SimulatedAnswer {
  /** Tokens of the whole prompt. */
  readonly promptTokens: number
  /** Whose prompts begin alike: what one has had is in the prompt cache for the next. @default nothing is cached */
  readonly conversation?: string
  readonly outputTokens: number
  /** Until the stream begins. @default 500 */
  readonly firstTokenMs?: number
  /** From the first token to the last. @default 12.5 a token, which is 80 tokens a second */
  readonly outputMs?: number
  /** What happens instead; it counts against no limit. */
  readonly fault?: { readonly status: number; readonly retryAfter?: number }
}

/** Options of {@link limitedVendor}. */
export interface LimitedVendorOptions {
  readonly limits: EnforcedLimits
  /** What the model says to a call. */
  readonly answer: (request: ModelRequest) => SimulatedAnswer
  /** @default one that keeps five minutes */
  readonly cache?: PromptCache
  /** In how many pieces output is generated, and counted. @default 4 */
  readonly pieces?: number
}

/** Hears what the vendor sends: the sink of `@spillway/attempt`. */
export interface VendorSink {
  headers(status: number, headers: Readonly<Record<string, string>>): void
  data(chunk: Uint8Array): void
  end(): void
}

/** Steers an answer on its way. */
export interface VendorHandle {
  pause(): void
  resume(): void
  abort(): void
}

/** A vendor in this process, whose time is the clock of its limits. */
export interface LimitedVendor {
  /** A transport: `attempt(vendor.transport)` is a handler. */
  readonly transport: (request: ModelRequest, sink: VendorSink) => VendorHandle
  /** How the prompt of a call would be counted now. */
  look(answer: SimulatedAnswer): CachedPrompt
}

/** How long it takes to refuse, to fail, and to count. */
const shortMs = 50

const encoder = new TextEncoder()

/**
 * A vendor that enforces limits, without a socket: it answers in the protocol of the call, as streams or whole, and
 * generates, and counts, output over time. Its headers say what its limits were when the call came.
 */
export function limitedVendor(options: LimitedVendorOptions): LimitedVendor {
  const { limits, pieces = 4, cache = promptCache() } = options
  const { clock } = limits
  const look = ({ conversation, promptTokens }: SimulatedAnswer): CachedPrompt =>
    conversation === undefined
      ? { inputTokens: promptTokens, cacheReadTokens: 0, cacheWriteTokens: 0 }
      : cache.look(conversation, promptTokens, clock.now())

  const transport: LimitedVendor['transport'] = (request, sink) => {
    const answer = options.answer(request)
    const { operation, clock: timers } = request
    let cancel: (() => void) | undefined
    let lease: LimitedLease | undefined
    const after = (ms: number, then: () => void): void => {
      cancel = timers.setTimer(ms, then)
    }
    const whole = (status: number, headers: Readonly<Record<string, string>>, body: string): void => {
      sink.headers(status, { 'content-type': 'application/json', ...headers })
      sink.data(encoder.encode(body))
      sink.end()
    }
    const handle: VendorHandle = {
      pause() {},
      resume() {},
      abort() {
        cancel?.()
        lease?.end()
      },
    }
    if (answer.fault !== undefined) {
      const { status, retryAfter } = answer.fault
      const headers = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }
      const type = status === 529 ? 'overloaded_error' : status === 429 ? 'rate_limit_error' : 'api_error'
      const body = JSON.stringify({ type: 'error', error: { type, message: `Status ${status}` } })
      after(shortMs, () => whole(status, headers, body))
      return handle
    }
    const prompt = look(answer)
    const admitted = limits.admit({
      model: request.model,
      operation,
      inputTokens: prompt.inputTokens + prompt.cacheWriteTokens,
      cacheReadTokens: prompt.cacheReadTokens,
      maxTokens: limits.vendor === 'anthropic' ? undefined : maxTokensOf(request),
    })
    if (isRefusal(admitted)) {
      after(shortMs, () => whole(admitted.status, admitted.headers, admitted.body))
      return handle
    }
    lease = admitted
    const { headers } = admitted
    if (operation === 'count_tokens') {
      const body = JSON.stringify({ input_tokens: answer.promptTokens })
      after(shortMs, () => whole(200, headers, body))
      return handle
    }
    if (answer.conversation !== undefined) cache.keep(answer.conversation, answer.promptTokens, clock.now())
    const { outputTokens, firstTokenMs = 500, outputMs = outputTokens * 12.5 } = answer
    const words = wordsOf(request, prompt, outputTokens)
    const pieceMs = outputMs / pieces
    let piece = 0
    let said = 0
    const next = (): void => {
      piece++
      const upTo = piece === pieces ? outputTokens : Math.floor((outputTokens * piece) / pieces)
      admitted.generated(upTo - said)
      said = upTo
      if (piece < pieces) {
        if (request.stream) sink.data(encoder.encode(words.piece))
        return after(pieceMs, next)
      }
      admitted.end()
      if (!request.stream) return whole(200, headers, words.whole)
      sink.data(encoder.encode(words.last))
      sink.end()
    }
    after(firstTokenMs, () => {
      if (request.stream) {
        sink.headers(200, { 'content-type': 'text/event-stream; charset=utf-8', ...headers })
        sink.data(encoder.encode(words.first))
      }
      after(pieceMs, next)
    })
    return handle
  }
  return { transport, look }
}

function maxTokensOf({ body }: ModelRequest): number | undefined {
  const limit = body.json.max_completion_tokens ?? body.json.max_tokens
  return typeof limit === 'number' ? limit : undefined
}

interface Words {
  readonly first: string
  readonly piece: string
  readonly last: string
  readonly whole: string
}

function wordsOf(request: ModelRequest, prompt: CachedPrompt, outputTokens: number): Words {
  return request.api === 'openai'
    ? chatWords(request, prompt, outputTokens)
    : messageWords(request.model, prompt, outputTokens)
}

function messageWords(model: string, prompt: CachedPrompt, outputTokens: number): Words {
  const usage = {
    input_tokens: prompt.inputTokens,
    cache_creation_input_tokens: prompt.cacheWriteTokens,
    cache_read_input_tokens: prompt.cacheReadTokens,
  }
  const all = { ...usage, output_tokens: outputTokens }
  const message = { id: 'msg_simulated', type: 'message', role: 'assistant', model }
  const start = { ...message, content: [], stop_reason: null, stop_sequence: null }
  const stop = { stop_reason: 'end_turn', stop_sequence: null }
  const event = (type: string, data: object): string => sse(type, { type, ...data })
  const delta = event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'word ' } })
  return {
    first:
      event('message_start', { message: { ...start, usage: { ...usage, output_tokens: 1 } } }) +
      event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }) +
      delta,
    piece: delta,
    last:
      event('content_block_stop', { index: 0 }) +
      event('message_delta', { delta: stop, usage: all }) +
      event('message_stop', {}),
    whole: JSON.stringify({ ...message, content: [{ type: 'text', text: 'words' }], ...stop, usage: all }),
  }
}

function chatWords(request: ModelRequest, prompt: CachedPrompt, outputTokens: number): Words {
  const promptTokens = prompt.inputTokens + prompt.cacheReadTokens + prompt.cacheWriteTokens
  const usage = {
    prompt_tokens: promptTokens,
    completion_tokens: outputTokens,
    total_tokens: promptTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: prompt.cacheReadTokens },
  }
  const base = { id: 'chatcmpl-simulated', created: 0, model: request.model }
  const chunk = (data: object): string =>
    `data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', ...data })}\n\n`
  const say = (delta: object, finish_reason: string | null = null): string =>
    chunk({ choices: [{ index: 0, delta, finish_reason }] })
  const options = request.stream ? request.body.json.stream_options : undefined
  const wantsUsage = (options as { include_usage?: unknown } | undefined)?.include_usage === true
  return {
    first: say({ role: 'assistant', content: 'word ' }),
    piece: say({ content: 'word ' }),
    last: `${say({}, 'stop')}${wantsUsage ? chunk({ choices: [], usage }) : ''}data: [DONE]\n\n`,
    whole: JSON.stringify({
      ...base,
      object: 'chat.completion',
      choices: [{ index: 0, message: { role: 'assistant', content: 'words' }, finish_reason: 'stop' }],
      usage,
    }),
  }
}
