import { fieldsOf } from './answer.ts'

type Fields = ReturnType<typeof fieldsOf>

interface ModelRule {
  readonly models: RegExp
  /** Ways of thinking that are refused. */
  readonly thinking?: readonly string[]
  /** Whether a call of a tool can be demanded: never, or not together with thinking or an effort. */
  readonly forced?: 'never' | 'unless thinking'
  readonly sampling?: 'refused'
  readonly prefill?: 'refused'
}

/** What models refuse, read in November 2026 (platform docs, what is new in Opus 5.5 and Sonnet 5.5; reports of users). */
const rules: readonly ModelRule[] = [
  { models: /opus-5-5/, thinking: ['disabled', 'enabled'], forced: 'never' },
  { models: /sonnet-5-5/, thinking: ['disabled', 'enabled'], forced: 'never', prefill: 'refused' },
  { models: /fable-5-1/, thinking: ['disabled', 'enabled'], forced: 'never' },
  { models: /claude-[a-z]+-(?:4-[6-9]|5)(?!\d)/, forced: 'unless thinking' },
  { models: /claude-[a-z]+-(?:4-[7-9]|5)(?!\d)/, sampling: 'refused', prefill: 'refused' },
  { models: /-4-6/, prefill: 'refused' },
  { models: /(?:haiku-4-5|opus-4-[0-5]|sonnet-4-[0-5])(?!\d)/, thinking: ['adaptive'] },
]

/** What a request asks for that its model does not take. */
export function refusedByModel(body: Fields, version: string | undefined): string | undefined {
  const model = String(body.model).replaceAll('.', '-')
  const known = rules.filter(({ models }) => model.includes('claude') && models.test(model))
  const thinking = fieldsOf(body.thinking)
  const refused = known.flatMap((rule) => rule.thinking ?? [])
  if (refused.includes(String(thinking.type))) {
    return `thinking.type: "${thinking.type}" is not supported by this model`
  }
  return (
    wrongBudget(body, thinking) ??
    wrongChoice(body, thinking, known) ??
    wrongSampling(body, thinking, known, version) ??
    wrongPrefill(body, known) ??
    wrongInstructions(body, model) ??
    lacksThinking(body, thinking)
  )
}

function wrongBudget({ max_tokens }: Fields, { type, budget_tokens }: Fields): string | undefined {
  if (type !== 'enabled') return undefined
  if (!(Number(budget_tokens) >= 1024)) {
    return 'thinking.enabled.budget_tokens: Input should be greater than or equal to 1024'
  }
  // Token counts have no limit.
  if (max_tokens === undefined || Number(budget_tokens) < Number(max_tokens)) return undefined
  return '`max_tokens` must be greater than `thinking.budget_tokens`'
}

function isThinking(body: Fields, thinking: Fields): boolean {
  const { effort } = fieldsOf(body.output_config)
  return effort !== undefined || thinking.type === 'enabled' || thinking.type === 'adaptive'
}

function wrongChoice(body: Fields, thinking: Fields, known: readonly ModelRule[]): string | undefined {
  const { type } = fieldsOf(body.tool_choice)
  if (type !== 'any' && type !== 'tool') return undefined
  if (known.some(({ forced }) => forced === 'never'))
    return 'tool_choice: this model does not support forced tool use'
  const excluded =
    thinking.type === 'enabled' || (isThinking(body, thinking) && known.some(({ forced }) => forced))
  return excluded ? 'Thinking may not be enabled when tool_choice forces tool use.' : undefined
}

/** The defaults are taken, but for what excludes them. */
function wrongSampling(
  body: Fields,
  thinking: Fields,
  known: readonly ModelRule[],
  version: string | undefined,
): string | undefined {
  if (version !== undefined && version >= '2026-10-21') return undefined
  const { temperature, top_p, top_k } = body
  if (temperature != null && top_p != null) {
    return '`temperature` and `top_p` cannot both be specified for this model. Please use only one.'
  }
  const isUsual = (temperature ?? 1) === 1 && Number(top_p ?? 1) >= 0.99 && top_k == null
  if (isUsual) return undefined
  if (known.some(({ sampling }) => sampling))
    return 'temperature, top_p and top_k are not supported by this model'
  if (isThinking(body, thinking)) return '`temperature` may only be set to 1 when thinking is enabled.'
  return undefined
}

function wrongPrefill({ messages }: Fields, known: readonly ModelRule[]): string | undefined {
  const last = Array.isArray(messages) ? fieldsOf(messages.at(-1)).role : undefined
  if (last !== 'assistant' || !known.some(({ prefill }) => prefill)) return undefined
  return 'This model does not support assistant message prefill. The conversation must end with a user message.'
}

/** Sonnet 5, alone of its generation, takes no instructions between turns (reports of users). */
function wrongInstructions({ messages }: Fields, model: string): string | undefined {
  if (!/claude-sonnet-5(?!-\d)/.test(model) || !Array.isArray(messages)) return undefined
  const at = messages.findIndex((message) => fieldsOf(message).role === 'system')
  return at < 0 ? undefined : `messages.${at}: role 'system' is not supported on this model`
}

/** With a budget, the last answer of a tool loop has to begin with thinking. */
function lacksThinking({ messages }: Fields, { type }: Fields): string | undefined {
  if (type !== 'enabled' || !Array.isArray(messages)) return undefined
  const blocks = (message: unknown): Fields[] => {
    const { content } = fieldsOf(message)
    return Array.isArray(content) ? content.map(fieldsOf) : []
  }
  if (!blocks(messages.at(-1)).some((block) => block.type === 'tool_result')) return undefined
  const at = messages.findLastIndex((message) => fieldsOf(message).role === 'assistant')
  const first = String(blocks(messages[at])[0]?.type)
  if (first === 'thinking' || first === 'redacted_thinking') return undefined
  return `messages.${at}.content.0.type: Expected \`thinking\` or \`redacted_thinking\`, but found \`${first}\`. When \`thinking\` is enabled, a final \`assistant\` message must start with a thinking block.`
}
