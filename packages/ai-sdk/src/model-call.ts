import type {
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
  LanguageModelV4StreamResult,
} from '@ai-sdk/provider'
import type { JsonBody } from '@spillway/middleware/kit'

declare module '@spillway/middleware' {
  interface RequestContext {
    /** What was asked of a model of the AI SDK, where this request represents such a call. */
    readonly modelCall?: ModelCall | undefined
    /** What the model that this request goes to has answered; known to the innermost handler alone. */
    readonly modelAnswer?: ModelAnswer | undefined
  }
}

/** One call of a language model, as the AI SDK makes it, with what the models have answered. */
export interface ModelCall {
  readonly options: LanguageModelV4CallOptions
  /** The prompt as the body of a Messages request, for policies that look at it. Models get `options`. */
  readonly body: JsonBody
  /** In the order of the attempts. */
  readonly answers: ModelAnswer[]
}

/**
 * What one attempt has brought. A chain of middleware carries bytes, and the parts of an answer are objects, some of which no bytes
 * can be made of: so the bytes name the parts by their numbers, and the parts wait here.
 */
export class ModelAnswer {
  /** The model's id, for answers that do not tell. */
  readonly modelId: string
  /** Its place in {@link ModelCall.answers}. */
  readonly number: number
  result: LanguageModelV4GenerateResult | undefined
  streamed: Omit<LanguageModelV4StreamResult, 'stream'> | undefined
  /** What the model has thrown, or an error part of its stream. */
  error: unknown
  #next = 0
  readonly #parts = new Map<number, LanguageModelV4StreamPart>()

  constructor(modelId: string, number: number) {
    this.modelId = modelId
    this.number = number
  }

  /** Keeps a part until it is taken, and gives it a number. */
  keep(part: LanguageModelV4StreamPart): number {
    const number = this.#next++
    this.#parts.set(number, part)
    return number
  }

  take(number: number): LanguageModelV4StreamPart | undefined {
    const part = this.#parts.get(number)
    this.#parts.delete(number)
    return part
  }
}

/** The header of a response that names the answer behind it. */
export const answerHeader = 'x-spillway-answer'
