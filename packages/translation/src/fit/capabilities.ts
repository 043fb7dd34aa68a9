import { acceptsPrefill, acceptsTemperature, isOpenAiNonReasoningModel } from '@spillway/wire/internal'
import { claudeRows } from './claude-rows.ts'

/** The ways of thinking that a Messages request can ask for. */
export type ThinkingMode = 'adaptive' | 'enabled' | 'disabled' | 'between_tools'

/** What a model takes. Where nothing is known, everything is taken: the server knows better. */
export interface ModelCapabilities {
  /** Tokens of prompt and answer together; undefined where unknown. */
  readonly contextTokens: number | undefined
  /** Tokens of an answer; undefined where unknown. */
  readonly maxOutputTokens: number | undefined
  readonly images: boolean
  readonly documents: boolean
  readonly tools: boolean
  /** Whether a call of a tool, or of a certain one, can be demanded. */
  readonly forcedToolChoice: boolean
  /** Undefined where unknown. */
  readonly thinking: readonly ThinkingMode[] | undefined
  /** Whether an effort (`output_config.effort`, `reasoning_effort`) is taken. */
  readonly effort: boolean
  readonly structuredOutput: boolean
  /** Whether sampling parameters of one's choice are taken, on the older API version. */
  readonly sampling: boolean
  /** Whether a last turn of the assistant's is gone on from. */
  readonly prefill: boolean
  /** Whether instructions may come between turns (`role: "system"`). */
  readonly midSystem: boolean
  /** Whether thinking blocks come signed, so that foreign ones are refused. */
  readonly signedThinking: boolean
}

const everything: ModelCapabilities = {
  contextTokens: undefined,
  maxOutputTokens: undefined,
  images: true,
  documents: true,
  tools: true,
  forcedToolChoice: true,
  thinking: undefined,
  effort: true,
  structuredOutput: true,
  sampling: true,
  prefill: true,
  midSystem: false,
  signedThinking: false,
}

/**
 * What a model accepts, by its name. Prefixes of resellers (`anthropic/…`) are fine.
 * @param overrides what you know better, of a local model for instance
 */
export function modelCapabilities(
  model: string,
  overrides: Partial<ModelCapabilities> = {},
): ModelCapabilities {
  const name = model.toLowerCase().replaceAll('.', '-')
  const sampling = acceptsTemperature(model)
  if (!name.includes('claude')) {
    return { ...everything, sampling, effort: !isOpenAiNonReasoningModel(model), ...overrides }
  }
  const known = claudeRows.filter(({ models }) => models.test(name)).map(({ takes }) => takes)
  const prefill = acceptsPrefill(name)
  const found = Object.assign({}, ...known.reverse()) as Partial<ModelCapabilities>
  return { ...everything, sampling, prefill, signedThinking: true, ...found, ...overrides }
}
