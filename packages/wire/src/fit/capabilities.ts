import { acceptsPrefill, acceptsTemperature } from '../model-capabilities.ts'

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
  readonly structuredOutput: boolean
  /** Whether sampling parameters of one's choice are taken, on the older API version. */
  readonly sampling: boolean
  /** Whether a last turn of the assistant's is gone on from. */
  readonly prefill: boolean
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
  structuredOutput: true,
  sampling: true,
  prefill: true,
  signedThinking: false,
}

const million = { contextTokens: 1_000_000, maxOutputTokens: 128_000 }

/** What sets Claude models apart, by the vendor's pages of 2026; the first row that fits holds. */
const claudes: readonly (readonly [RegExp, Partial<ModelCapabilities>])[] = [
  [/opus-5-5/, { ...million, thinking: ['adaptive'] }],
  [/sonnet-5-5/, { ...million, thinking: ['adaptive', 'between_tools'], forcedToolChoice: false }],
  [/(?:fable|mythos)-5(?!-2)|opus-5(?!-)|sonnet-5(?!-)|haiku-5-5/, million],
  [/haiku-4-5/, { contextTokens: 200_000, maxOutputTokens: 64_000, thinking: ['enabled', 'disabled'] }],
  [/(?:opus|sonnet)-4(?:-[0-5])?(?!\d|-\d{1,2}(?!\d))|claude-3/, { thinking: ['enabled', 'disabled'] }],
]

/**
 * What a model takes, told by its name. Prefixes of resellers (`anthropic/…`) are fine.
 * @param overrides what you know better, of a local model for instance
 */
export function modelCapabilities(
  model: string,
  overrides: Partial<ModelCapabilities> = {},
): ModelCapabilities {
  const name = model.toLowerCase().replaceAll('.', '-')
  const sampling = acceptsTemperature(model)
  if (!name.includes('claude')) return { ...everything, sampling, ...overrides }
  const [, known] = claudes.find(([pattern]) => pattern.test(name)) ?? []
  const prefill = acceptsPrefill(name)
  return { ...everything, sampling, prefill, signedThinking: true, ...known, ...overrides }
}
