import type { LanguageModelV4, LanguageModelV4CallOptions, SharedV4ProviderMetadata } from '@ai-sdk/provider'
import type { Failure, ModelResponse, RequestContext } from '@spillway/middleware'
import { definedOnly, type RecordedRequest, type RequestHeaders } from '@spillway/middleware/kit'
import { malformedFailure } from '@spillway/wire'
import { header } from '@spillway/wire/internal'
import { answerHeader, type ModelAnswer } from './model-call.ts'

/** How events, metrics and errors name the models: `anthropic.messages/claude-opus-5-5`; a second one alike is `…#2`. */
export function targetNames(models: readonly LanguageModelV4[]): string[] {
  const counts = new Map<string, number>()
  return models.map(({ provider, modelId }) => {
    const name = `${provider}/${modelId}`
    const count = (counts.get(name) ?? 0) + 1
    counts.set(name, count)
    return count === 1 ? name : `${name}#${count}`
  })
}

/** @throws TypeError for what is no model of specification `v4` */
export function mustBeV4(model: unknown, index: number): void {
  const version = (model as Partial<LanguageModelV4> | null)?.specificationVersion as string | undefined
  if (version === 'v4') return
  const what =
    typeof model === 'string'
      ? `a name ("${model.slice(0, 80)}"): give a model of a provider instead, such as gateway("${model.slice(0, 80)}")`
      : version === undefined
        ? 'no language model'
        : `a model of specification ${version}: wrap it with wrapLanguageModel({ model, middleware: [] }) of \`ai\` 7, which makes a v4 model of it`
  throw new TypeError(`models[${index}] of resilientModel is ${what}`)
}

/** Names in lower case, as policies read them. */
export function headersOf({ headers }: LanguageModelV4CallOptions): RequestHeaders {
  return Object.fromEntries(
    Object.entries(definedOnly(headers)).map(([name, value]) => [name.toLowerCase(), value as string]),
  )
}

/** Who calls, by `providerOptions.spillway`. */
export function contextOf({ providerOptions }: LanguageModelV4CallOptions): Partial<RequestContext> {
  const { tenant, session } = providerOptions?.spillway ?? {}
  return {
    ...(typeof tenant === 'string' && { tenant }),
    ...(typeof session === 'string' && { session }),
  }
}

/** The answer behind a response; undefined behind a refusal of Spillway's own. */
export function answerOf({ context }: RecordedRequest, { headers }: ModelResponse): ModelAnswer | undefined {
  const number = header(headers, answerHeader)
  return number === undefined ? undefined : context.modelCall?.answers[Number(number)]
}

/** What `providerMetadata.spillway` tells of a call. */
export function metadataOf(
  { context: { record } }: RecordedRequest,
  { target }: ModelResponse,
): SharedV4ProviderMetadata {
  const reason = record.fallback(target)?.reason
  return {
    spillway: {
      ...{ servedBy: target ?? 'unknown', attempts: record.begun },
      ...(reason !== undefined && { fallback: reason }),
    },
  }
}

/** A middleware has synthesised a response. */
export const lostAnswer: Failure = malformedFailure(
  'a middleware around the models answered by itself, which the AI SDK cannot be given',
)
