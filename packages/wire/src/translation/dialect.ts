/** How servers that speak OpenAI's chat completions differ in what they take. */
export interface ChatDialect {
  /** Where the limit of the answer goes. */
  readonly maxTokens: 'max_completion_tokens' | 'max_tokens'
  /** The role of instructions. */
  readonly systemRole: 'developer' | 'system'
  /** Whether instructions may come between other messages; most templates of local models want them first. */
  readonly midSystem: boolean
  /** How text is sent: as a string, or as parts, which alone can carry `cache_control`. */
  readonly text: 'string' | 'parts'
  /** The content of an assistant's message that only calls tools; some servers refuse null. */
  readonly noContent: null | ''
  /** Whether images may be given by a URL; if not, only as data. */
  readonly imageUrls: boolean
  /** Whether there are parts for documents. */
  readonly files: boolean
  /** How thinking is asked for, and whether its traces are taken back. */
  readonly reasoning: 'effort' | 'openrouter' | 'none'
  readonly toolChoice: boolean
  readonly parallelToolCalls: boolean
  /** How many stop sequences are taken. */
  readonly stops: number
  readonly topK: boolean
  /** Where an opaque id of the user goes. */
  readonly user: 'safety_identifier' | 'user' | undefined
  readonly serviceTier: boolean
  readonly cacheControl: boolean
  /** Whether a last message of the assistant's is gone on from. */
  readonly prefill: boolean
}

export type ChatDialectName = 'openai' | 'openrouter' | 'local' | 'ollama'

const local: ChatDialect = {
  maxTokens: 'max_tokens',
  systemRole: 'system',
  midSystem: false,
  text: 'string',
  noContent: '',
  imageUrls: false,
  files: false,
  reasoning: 'none',
  toolChoice: true,
  parallelToolCalls: true,
  stops: Infinity,
  topK: false,
  user: undefined,
  serviceTier: false,
  cacheControl: false,
  prefill: true,
}

/**
 * The dialects that are known: OpenAI itself, OpenRouter, local servers (llama.cpp, vLLM, LM Studio), and Ollama, which
 * knows no tool choice.
 */
export const chatDialects: Readonly<Record<ChatDialectName, ChatDialect>> = {
  openai: {
    maxTokens: 'max_completion_tokens',
    systemRole: 'developer',
    midSystem: true,
    text: 'string',
    noContent: null,
    imageUrls: true,
    files: true,
    reasoning: 'effort',
    toolChoice: true,
    parallelToolCalls: true,
    stops: 4,
    topK: false,
    user: 'safety_identifier',
    serviceTier: true,
    cacheControl: false,
    prefill: false,
  },
  openrouter: {
    maxTokens: 'max_tokens',
    systemRole: 'system',
    midSystem: true,
    text: 'parts',
    noContent: null,
    imageUrls: true,
    files: true,
    reasoning: 'openrouter',
    toolChoice: true,
    parallelToolCalls: true,
    stops: 4,
    topK: true,
    user: 'user',
    serviceTier: false,
    cacheControl: true,
    prefill: true,
  },
  local,
  ollama: { ...local, toolChoice: false, parallelToolCalls: false },
}
