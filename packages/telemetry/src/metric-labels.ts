import type { Attributes } from '@opentelemetry/api'
import type { Conventions } from './conventions.ts'
import { memo } from './memo.ts'

/** The attributes of all that is recorded of one call. */
export interface CallLabels {
  readonly call: Attributes
  /** With `error.type`, where the call failed. */
  readonly result: Attributes
  readonly inputTokens: Attributes
  readonly outputTokens: Attributes
  readonly tokensByModality: Attributes
}

type TokenCount = 'inputTokens' | 'outputTokens' | 'cacheReadTokens' | 'cacheWriteTokens' | 'reasoningTokens'

/** The types of `spillway.tokens`. */
const tokenTypes: Readonly<Record<TokenCount, string>> = {
  inputTokens: 'input',
  outputTokens: 'output',
  cacheReadTokens: 'cache_read',
  cacheWriteTokens: 'cache_write',
  reasoningTokens: 'reasoning',
}

/** The attributes of `spillway.tokens` beside the count that each is for. */
export type TokenLabels = readonly { readonly count: TokenCount; readonly labels: Attributes }[]

/**
 * The attributes of measurements. Each set is made once, frozen and shared, for an application sees few of them and the
 * SDK keeps the first it gets. Undefined means a missing attribute.
 */
export interface MetricLabels {
  readonly ofCall: (
    operation: string,
  ) => (
    provider: string,
  ) => (
    requestModel: string,
  ) => (responseModel: string | undefined) => (errorType: string | undefined) => CallLabels
  readonly ofAnswer: (servedBy: string | undefined) => (errorType: string | undefined) => Attributes
  readonly ofAttempt: (target: string | undefined) => (errorType: string | undefined) => Attributes
  readonly ofEvent: (
    type: string,
  ) => (target: string | undefined) => (errorType: string | undefined) => Attributes
  readonly ofTokens: (target: string | undefined) => (estimated: boolean) => TokenLabels
}

export function metricLabels({ attributes: names }: Conventions): MetricLabels {
  const withError = (name: string) =>
    memo((value: string | undefined) =>
      memo((errorType: string | undefined) => labels({ [name]: value, 'error.type': errorType })),
    )
  return {
    ofCall: memo((operation) =>
      memo((provider) =>
        memo((requestModel) =>
          memo((responseModel) => {
            const call = labels({
              [names.operation]: operation,
              [names.provider]: provider,
              [names.requestModel]: requestModel,
              [names.responseModel]: responseModel,
            })
            const inputTokens = labels({ ...call, [names.tokenType]: 'input' })
            const outputTokens = labels({ ...call, [names.tokenType]: 'output' })
            const tokensByModality = labels({ ...call, 'gen_ai.token.modality': 'unknown' })
            return memo((errorType) => ({
              call,
              result: labels({ ...call, 'error.type': errorType }),
              inputTokens,
              outputTokens,
              tokensByModality,
            }))
          }),
        ),
      ),
    ),
    ofAnswer: withError('spillway.served_by'),
    ofAttempt: withError('spillway.target'),
    ofEvent: memo((type) =>
      memo((target) =>
        memo((errorType) =>
          frozen({ 'spillway.event': type, 'spillway.target': target, 'error.type': errorType }),
        ),
      ),
    ),
    ofTokens: memo((target) =>
      memo((estimated) =>
        Object.entries(tokenTypes).map(([count, type]) => ({
          count: count as TokenCount,
          labels: labels({
            'spillway.target': target,
            [names.tokenType]: type,
            'spillway.usage.estimated': estimated,
          }),
        })),
      ),
    ),
  }
}

/** Sorted by name, as the SDK sorts them with every measurement. */
function labels(attributes: Attributes): Attributes {
  const sorted = Object.entries(attributes).sort(([one], [other]) => (one < other ? -1 : 1))
  return frozen(Object.fromEntries(sorted))
}

/** Without what is undefined. */
function frozen(attributes: Attributes): Attributes {
  return Object.freeze(
    Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined)),
  )
}
