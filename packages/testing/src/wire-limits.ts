import { type Answer, type Call, type Frame, fieldsOf, jsonAnswer, modelOf } from './answer.ts'
import { type EnforcedLimits, isRefusal, type LimitedLease } from './enforced-limits.ts'
import { type PromptCache, promptCache } from './prompt-cache.ts'
import { type FullReply, promptTokens } from './reply.ts'

/** A call that limits have let in. */
export interface CountedCall {
  /** The reply, whose usage says what of the prompt was in the cache. */
  readonly reply: FullReply
  readonly headers: Readonly<Record<string, string>>
  /** The same answer, whose output is counted as it is sent. */
  counted(answer: Answer): Answer
}

/** Limits in front of the routes of a simulated server. */
export interface WireLimits {
  /** Lets a generation in; a 429 otherwise. */
  generation(call: Call, reply: FullReply): CountedCall | Answer
  /** Lets a count of tokens in: its headers; a 429 otherwise. */
  count(call: Call): Readonly<Record<string, string>> | Answer
}

/** @param usual the headers that every response has */
export function wireLimits(
  limits: EnforcedLimits,
  usual: (call: Call) => Readonly<Record<string, string>>,
): WireLimits {
  const cache = promptCache()
  return {
    generation(call, reply) {
      // What fails before it is worked on is not counted.
      const fault = call.request.fault?.type
      if (fault === 'status' || fault === 'reset') return { reply, headers: {}, counted: (answer) => answer }
      const { max_tokens, max_completion_tokens } = fieldsOf(call.request.json)
      const limit = max_completion_tokens ?? max_tokens
      const usage = usageOf(call, reply, cache, limits.clock.now())
      const admitted = limits.admit({
        model: modelOf(call),
        inputTokens: usage.inputTokens + usage.cacheWriteTokens,
        cacheReadTokens: usage.cacheReadTokens,
        maxTokens: typeof limit === 'number' ? limit : undefined,
      })
      if (isRefusal(admitted)) {
        return jsonAnswer(admitted.body, { ...usual(call), ...admitted.headers }, admitted.status)
      }
      const counted = (answer: Answer): Answer => countedAnswer(answer, admitted, usage.outputTokens)
      return { reply: { ...reply, usage }, headers: admitted.headers, counted }
    },
    count(call) {
      const admitted = limits.admit({ model: modelOf(call), operation: 'count_tokens', inputTokens: 0 })
      if (!isRefusal(admitted)) return admitted.headers
      return jsonAnswer(admitted.body, { ...usual(call), ...admitted.headers }, admitted.status)
    },
  }
}

/** Whether limits have refused a call. */
export function isAnswer(value: CountedCall | Answer | Readonly<Record<string, string>>): value is Answer {
  return 'contentType' in value
}

/** What the reply says of the prompt, or else what the cache says of it. */
function usageOf(call: Call, { usage }: FullReply, cache: PromptCache, now: number): FullReply['usage'] {
  const { json, body } = call.request
  if (usage.cacheReadTokens > 0 || usage.cacheWriteTokens > 0) return usage
  if (usage.inputTokens !== promptTokens(json) || !Buffer.from(body).includes('"cache_control"')) return usage
  const { system, messages } = fieldsOf(json)
  const first = Array.isArray(messages) ? messages[0] : undefined
  const conversation = `${modelOf(call)} ${JSON.stringify([withoutBreakpoints(system), withoutBreakpoints(first)])}`
  const prompt = cache.look(conversation, usage.inputTokens, now)
  cache.keep(conversation, usage.inputTokens, now)
  return { ...usage, ...prompt }
}

/** The breakpoint moves on, and the conversation stays the same. */
function withoutBreakpoints(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutBreakpoints)
  if (typeof value !== 'object' || value === null) return value
  const { cache_control, ...rest } = value as Record<string, unknown>
  return 'content' in rest ? { ...rest, content: withoutBreakpoints(rest.content) } : rest
}

function countedAnswer(answer: Answer, lease: LimitedLease, outputTokens: number): Answer {
  let said = 0
  const upTo = (tokens: number): void => {
    if (tokens <= said) return
    lease.generated(tokens - said)
    said = tokens
  }
  const over = { all: () => upTo(outputTokens), end: () => lease.end() }
  if (typeof answer.body === 'string') return { ...answer, counting: over }
  const contents = answer.body.filter(({ content }) => content).length
  let at = 0
  const body = answer.body.map((frame): Frame => {
    if (!frame.content) return frame
    const tokens = Math.ceil((outputTokens * ++at) / contents)
    return { ...frame, sent: () => upTo(tokens) }
  })
  return { ...answer, body, counting: over }
}
