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
  /**
   * How thinking is asked for, and whether its traces are taken back: `deepseek` insists on `reasoning_content` beside the
   * calls of a tool loop.
   */
  readonly reasoning: 'effort' | 'openrouter' | 'deepseek' | 'none'
  readonly toolChoice: boolean
  /** Whether `strict` is taken, in tools and in the schema of an answer. */
  readonly strict: boolean
  /** Whether the schema of an answer is taken (`response_format: json_schema`). */
  readonly schemas: boolean
  /** Whether `stream_options` is taken, which asks for the usage of a stream. */
  readonly streamOptions: boolean
  /** Which ids of tool calls are taken: up to 40 characters, or nine letters and digits, no more and no fewer. */
  readonly toolIds: 'openai' | 'mistral'
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
  /**
   * Whether all fields are refused that the server does not know, so that none of another dialect may reach it.
   * @default undefined: it is not known to refuse them
   */
  readonly isClosed?: boolean
}

export type ChatDialectName =
  | 'openai'
  | 'openai-compatible'
  | 'deepseek'
  | 'groq'
  | 'mistral'
  | 'openrouter'
  | 'local'
  | 'ollama'

/** What all servers take that speak this protocol, as far as is known: the words of before OpenAI's newer ones. */
const compatible: ChatDialect = {
  maxTokens: 'max_tokens',
  systemRole: 'system',
  midSystem: false,
  text: 'string',
  noContent: '',
  imageUrls: true,
  files: false,
  reasoning: 'effort',
  toolChoice: true,
  strict: true,
  schemas: true,
  streamOptions: true,
  toolIds: 'openai',
  parallelToolCalls: true,
  stops: 4,
  topK: false,
  user: undefined,
  serviceTier: false,
  cacheControl: false,
  prefill: false,
}

const local: ChatDialect = {
  ...compatible,
  imageUrls: false,
  reasoning: 'none',
  stops: Infinity,
  prefill: true,
}

/**
 * The dialects that are known: OpenAI itself; any server that speaks its protocol (Together, Fireworks, xAI, …); those
 * among them that differ, by their documentation and their own error messages, read in 2026; OpenRouter; local servers
 * (llama.cpp, vLLM, LM Studio); and Ollama, which knows no tool choice.
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
    strict: true,
    schemas: true,
    streamOptions: true,
    toolIds: 'openai',
    parallelToolCalls: true,
    stops: 4,
    topK: false,
    user: 'safety_identifier',
    serviceTier: true,
    cacheControl: false,
    prefill: false,
  },
  'openai-compatible': compatible,
  // Refuses `developer`, knows no JSON schema, and `strict` only at its beta address.
  deepseek: {
    ...compatible,
    reasoning: 'deepseek',
    strict: false,
    schemas: false,
    stops: 16,
    isClosed: true,
  },
  groq: { ...compatible, maxTokens: 'max_completion_tokens', user: 'user' },
  // Refuses every field that it does not know, with status 422; it tells the usage of streams unasked.
  mistral: { ...compatible, reasoning: 'none', toolIds: 'mistral', streamOptions: false, isClosed: true },
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
    strict: true,
    schemas: true,
    streamOptions: true,
    toolIds: 'openai',
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

/** Hosts with their own dialect, and all hosts below them. */
const hosts: readonly (readonly [host: string, dialect: ChatDialectName])[] = [
  ['openai.com', 'openai'],
  ['openai.azure.com', 'openai'],
  ['services.ai.azure.com', 'openai'],
  ['deepseek.com', 'deepseek'],
  ['groq.com', 'groq'],
  ['mistral.ai', 'mistral'],
  ['openrouter.ai', 'openrouter'],
]

/**
 * The dialect of the server at an address: OpenAI's own at its own hosts and Azure's, that of a vendor at the vendor's, and
 * what all compatible servers take everywhere else.
 */
export function dialectOfUrl(url: string): ChatDialectName {
  const host = URL.canParse(url) ? new URL(url).hostname.toLowerCase() : ''
  const known = hosts.find(([name]) => host === name || host.endsWith(`.${name}`))
  return known?.[1] ?? 'openai-compatible'
}
