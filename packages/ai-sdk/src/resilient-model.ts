import type { LanguageModelV4, LanguageModelV4CallOptions } from '@ai-sdk/provider'
import type { Target } from '@spillway/attempt'
import { type FallbackOptions, fallback, fallbackDefaults } from '@spillway/circuit-breaker-fallback'
import {
  type Clock,
  compose,
  createRequest,
  type Handler,
  type Listener,
  listen,
  type Middleware,
  type ModelResponse,
  type SpillwayEvent,
  systemClock,
  type Timeouts,
} from '@spillway/middleware'
import {
  defaultTimeouts,
  describeAs,
  type RecordedRequest,
  recordCall,
  withDefaults,
  withListener,
} from '@spillway/middleware/kit'
import { callError } from './call-error.ts'
import {
  answerOf,
  contextOf,
  headersOf,
  lostAnswer,
  metadataOf,
  mustBeV4,
  targetNames,
} from './call-facts.ts'
import type { ModelAnswer } from './model-call.ts'
import { modelTarget } from './model-target.ts'
import { partStream } from './part-stream.ts'
import { promptBody } from './prompt-body.ts'
import { urlsOfAll } from './supported-urls.ts'

/** Options of {@link resilientModel}. */
export interface ResilientModelOptions {
  /**
   * Middleware around each model, made once for each, so that models share no circuit and no limit: retries, a circuit breaker, a
   * rate limit. The first listed is the outermost.
   * @default none
   */
  readonly each?: ((model: LanguageModelV4, index: number) => readonly Middleware[]) | undefined
  /**
   * Middleware around all of them together, such as telemetry.
   * @default none
   */
  readonly around?: readonly Middleware[] | undefined
  /**
   * When the next model is asked, and how much time is kept back for it.
   * @default those of `fallback`: every failure but those of the caller, 30 s
   */
  readonly fallback?: Pick<FallbackOptions, 'reserve' | 'when'> | undefined
  /**
   * How long each phase may take, in milliseconds.
   * @default those of `Timeouts`, without a limit for headers
   */
  readonly timeouts?: Partial<Timeouts> | undefined
  /**
   * Hears that a model has failed and that the next one is asked.
   * @default none
   */
  readonly onFallback?: ((event: SpillwayEvent<'fallback.switched'>) => unknown) | undefined
  /**
   * Hears everything that happens to a call.
   * @default none
   */
  readonly onEvent?: Listener | undefined
  /** @default the system's */
  readonly clock?: Clock | undefined
}

/** The defaults of {@link ResilientModelOptions}. */
export const resilientModelDefaults: {
  readonly reserve: number
  readonly timeouts: Timeouts
} = {
  reserve: fallbackDefaults.reserve,
  // Not every provider answers with headers before it has the first token.
  timeouts: { ...defaultTimeouts, headers: Infinity },
}

/**
 * Several models of the AI SDK as one, for `generateText`, `streamText` and whatever else takes a model: where one fails before
 * its first content, the next is asked, and nothing of the failed one reaches the caller. What breaks off later ends with an error
 * part. The middleware of all Spillway packages works around each of them.
 *
 * @throws TypeError where there is no model, or one that is not of specification `v4` (`ai` 7): older ones are turned into such by
 * `wrapLanguageModel({ model, middleware: [] })`
 */
export function resilientModel(
  models: readonly LanguageModelV4[],
  options: ResilientModelOptions = {},
): LanguageModelV4 {
  for (const [index, model] of models.entries()) mustBeV4(model, index)
  const [first] = models
  if (first === undefined) throw new TypeError('resilientModel needs at least one model')
  const { each = () => [], around = [], clock = systemClock, onEvent, onFallback } = options
  const timeouts = withDefaults(resilientModelDefaults.timeouts, options.timeouts ?? {})
  const names = targetNames(models)
  const targets = models.map((model, index) => modelTarget(names[index] as string, model, each(model, index)))
  const handler = chain(targets, around, options.fallback)
  const heard = withListener('fallback.switched', onFallback)

  const begin = (callOptions: LanguageModelV4CallOptions, stream: boolean): RecordedRequest => {
    const body = promptBody(callOptions, first.modelId, stream)
    const request = createRequest({
      ...{ api: 'anthropic', model: first.modelId, stream, url: '/v1/messages', body, clock, timeouts },
      headers: headersOf(callOptions),
      signal: callOptions.abortSignal,
      context: { ...contextOf(callOptions), modelCall: { options: callOptions, body, answers: [] } },
    })
    return recordCall(heard(onEvent === undefined ? request : listen(request, onEvent)))
  }

  const send = async (request: RecordedRequest): Promise<[ModelResponse, ModelAnswer]> => {
    const response = await handler(request)
    const answer = answerOf(request, response)
    if (response.failure !== undefined || answer === undefined) {
      response.body.cancel()
      throw callError(response.failure ?? lostAnswer, request, answer)
    }
    return [response, answer]
  }

  const model: LanguageModelV4 = {
    specificationVersion: 'v4',
    provider: first.provider,
    modelId: first.modelId,
    get supportedUrls() {
      return urlsOfAll(models)
    },
    async doGenerate(callOptions) {
      const request = begin(callOptions, false)
      const [response, answer] = await send(request)
      response.body.cancel()
      const { result, modelId } = answer
      if (result === undefined) throw callError(lostAnswer, request, answer)
      return {
        ...result,
        response: { ...result.response, modelId: result.response?.modelId ?? modelId },
        providerMetadata: { ...result.providerMetadata, ...metadataOf(request, response) },
      }
    },
    async doStream(callOptions) {
      const request = begin(callOptions, true)
      const [response, answer] = await send(request)
      const stream = partStream(response, {
        answers: request.context.modelCall?.answers ?? [],
        finished: (part) => ({
          ...part,
          providerMetadata: { ...part.providerMetadata, ...metadataOf(request, response) },
        }),
        broken: ({ failure }) => callError(failure, request, answer),
      })
      return { ...answer.streamed, stream }
    },
  }
  describeAs(model, { parts: [], next: handler })
  return model
}

function chain(
  [first, ...others]: readonly Target[],
  around: readonly Middleware[],
  options: ResilientModelOptions['fallback'],
): Handler {
  const { reserve = resilientModelDefaults.reserve, when } = options ?? {}
  return compose(
    [...around, fallback(others, { reserve, ...(when !== undefined && { when }) })],
    (first as Target).handler,
  )
}
