/**
 * The names of the GenAI semantic conventions that Spillway writes. They are copied: the published package marks all of
 * them as deprecated since they moved to a separate repository. A test compares the copies with the package.
 */
export interface Conventions {
  readonly attributes: AttributeNames
  readonly metrics: MetricNames
}

/** Which generation of names is written; see {@link Conventions}. */
export type ConventionsName = 'published' | 'latest'

interface AttributeNames {
  readonly operation: string
  readonly provider: string
  readonly requestModel: string
  readonly stream: string
  readonly maxTokens: string
  readonly temperature: string
  readonly topP: string
  readonly topK: string
  readonly seed: string
  readonly choiceCount: string
  readonly frequencyPenalty: string
  readonly presencePenalty: string
  readonly stopSequences: string
  readonly outputType: string
  readonly conversation: string
  /** Only in the newer names. */
  readonly reasoningLevel: string | undefined
  readonly responseModel: string
  readonly finishReasons: string
  readonly timeToFirstChunk: string
  readonly inputTokens: string
  readonly outputTokens: string
  readonly cacheReadTokens: string
  readonly cacheWriteTokens: string
  readonly reasoningTokens: string
  readonly tokenType: string
  readonly inputMessages: string
  readonly outputMessages: string
  readonly systemInstructions: string
}

interface MetricNames {
  readonly duration: string
  readonly timeToFirstChunk: string
  readonly timePerOutputChunk: string
  /** One histogram by token type; undefined where each type has its own counter. */
  readonly tokenUsage: string | undefined
  /** What the counters of tokens begin with; undefined where there is one histogram. */
  readonly tokenCounters: string | undefined
}

const publishedAttributes: AttributeNames = {
  operation: 'gen_ai.operation.name',
  provider: 'gen_ai.provider.name',
  requestModel: 'gen_ai.request.model',
  stream: 'gen_ai.request.stream',
  maxTokens: 'gen_ai.request.max_tokens',
  temperature: 'gen_ai.request.temperature',
  topP: 'gen_ai.request.top_p',
  topK: 'gen_ai.request.top_k',
  seed: 'gen_ai.request.seed',
  choiceCount: 'gen_ai.request.choice.count',
  frequencyPenalty: 'gen_ai.request.frequency_penalty',
  presencePenalty: 'gen_ai.request.presence_penalty',
  stopSequences: 'gen_ai.request.stop_sequences',
  outputType: 'gen_ai.output.type',
  conversation: 'gen_ai.conversation.id',
  reasoningLevel: undefined,
  responseModel: 'gen_ai.response.model',
  finishReasons: 'gen_ai.response.finish_reasons',
  timeToFirstChunk: 'gen_ai.response.time_to_first_chunk',
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  cacheReadTokens: 'gen_ai.usage.cache_read.input_tokens',
  cacheWriteTokens: 'gen_ai.usage.cache_creation.input_tokens',
  reasoningTokens: 'gen_ai.usage.reasoning.output_tokens',
  tokenType: 'gen_ai.token.type',
  inputMessages: 'gen_ai.input.messages',
  outputMessages: 'gen_ai.output.messages',
  systemInstructions: 'gen_ai.system_instructions',
}

const published: Conventions = {
  attributes: publishedAttributes,
  metrics: {
    duration: 'gen_ai.client.operation.duration',
    timeToFirstChunk: 'gen_ai.client.operation.time_to_first_chunk',
    timePerOutputChunk: 'gen_ai.client.operation.time_per_output_chunk',
    tokenUsage: 'gen_ai.client.token.usage',
    tokenCounters: undefined,
  },
}

const latest: Conventions = {
  attributes: {
    ...publishedAttributes,
    reasoningLevel: 'gen_ai.request.reasoning.level',
    cacheWriteTokens: 'gen_ai.usage.cache_write.input_tokens',
  },
  metrics: {
    duration: 'gen_ai.client.inference.duration',
    timeToFirstChunk: 'gen_ai.client.inference.time_to_first_chunk',
    timePerOutputChunk: 'gen_ai.client.inference.time_per_output_chunk',
    tokenUsage: undefined,
    tokenCounters: 'gen_ai.client.inference.usage.',
  },
}

/** The names of a generation: those of the published package (1.45), or the newer ones that replace some of them. */
export const conventions: Readonly<Record<ConventionsName, Conventions>> = { published, latest }
