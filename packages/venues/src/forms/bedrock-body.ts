import { fieldOf, type JsonBody, jsonBodyFromObject, type RequestHeaders } from '@spillway/middleware/kit'
import { parseBounded } from '@spillway/wire/internal'
import { patchedBody } from './patched-body.ts'
import { firstPartyVersion } from './venue-headers.ts'

/** What the Bedrock runtime reads in the body, and first-party calls have in headers. */
export interface BedrockFacts {
  /** `bedrock-2023-05-31`, or `2026-10-21` for Claude 4.7 and later. */
  readonly version: string
  readonly betas?: readonly string[] | undefined
  readonly userProfileId?: string | undefined
}

/**
 * The body of a first-party call as the Bedrock runtime takes it: without `model` and `stream`, which its path says. All other
 * fields keep their bytes.
 * @throws SyntaxError where the bytes are no JSON object
 */
export function toBedrockBody(
  body: JsonBody,
  { version, betas = [], userProfileId }: BedrockFacts,
): JsonBody {
  return patchedBody(body, {
    anthropic_version: version,
    ...(betas.length > 0 && { anthropic_beta: betas }),
    ...(userProfileId !== undefined && { user_profile_id: userProfileId }),
    model: undefined,
    stream: undefined,
  })
}

/** A call in a cloud's form as the first-party API takes it. */
export interface FirstPartyForm {
  readonly body: JsonBody
  /** Those that say what the cloud has in its body, to be put over the call's own. */
  readonly headers: RequestHeaders
}

/**
 * The body of a call to the Bedrock runtime as the first-party API takes it.
 * @param path the model and whether a stream is asked for, which the path says
 * @throws SyntaxError where the bytes are no JSON object
 */
export function fromBedrockBody(
  body: JsonBody,
  path: { readonly model: string; readonly stream: boolean },
): FirstPartyForm {
  const userProfileId = fieldOf(body, 'user_profile_id')
  const changed = patchedBody(body, {
    model: path.model,
    ...(path.stream && { stream: true }),
    anthropic_version: undefined,
    anthropic_beta: undefined,
    ...(typeof userProfileId === 'string' && { user_profile_id: undefined }),
  })
  const headers = {
    ...versionAndBetas(body),
    ...(typeof userProfileId === 'string' && { 'anthropic-user-profile-id': userProfileId }),
  }
  return { body: changed, headers }
}

/** The headers for `anthropic_version` and `anthropic_beta` of a body. */
export function versionAndBetas(body: JsonBody): RequestHeaders {
  const version = firstPartyVersion(fieldOf(body, 'anthropic_version'))
  const listed = fieldOf(body, 'anthropic_beta')
  const betas = Array.isArray(listed) ? listed.filter((each) => typeof each === 'string') : []
  return {
    ...(version !== undefined && { 'anthropic-version': version }),
    ...(betas.length > 0 && { 'anthropic-beta': betas.join(',') }),
  }
}

/** A body of the Bedrock runtime in the envelope of its count of tokens. */
export function toBedrockCount(body: JsonBody): JsonBody {
  const { bytes } = body
  const encoded = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
  return jsonBodyFromObject({ input: { invokeModel: { body: encoded } } })
}

/** The body in the envelope of a count of tokens; undefined where there is none. */
export function fromBedrockCount(body: JsonBody): Uint8Array | undefined {
  const invoked = objectIn(objectIn(body.json.input)?.invokeModel)?.body
  return typeof invoked === 'string' ? Buffer.from(invoked, 'base64') : undefined
}

function objectIn(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
}

/** The answer of Bedrock's count, `{"inputTokens":1}`, as the first-party API says it; undefined where it is none. */
export function fromBedrockCounted(answer: Uint8Array): Uint8Array | undefined {
  const tokens = objectIn(parseBounded(answer))?.inputTokens
  return typeof tokens === 'number' ? Buffer.from(JSON.stringify({ input_tokens: tokens })) : undefined
}

/** The answer of the first-party count, `{"input_tokens":1}`, as Bedrock says it; undefined where it is none. */
export function toBedrockCounted(answer: Uint8Array): Uint8Array | undefined {
  const tokens = objectIn(parseBounded(answer))?.input_tokens
  return typeof tokens === 'number' ? Buffer.from(JSON.stringify({ inputTokens: tokens })) : undefined
}
