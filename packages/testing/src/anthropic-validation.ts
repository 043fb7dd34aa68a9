import { type Call, fieldsOf, type Refusal } from './answer.ts'

/** The values of `anthropic-version` that a Claude server takes. */
export const anthropicVersions: readonly string[] = ['2023-06-01', '2026-10-21']

/** Who may call: a key in `x-api-key`, which wins, or in `authorization`. */
export function refusedKey(call: Call, apiKeys: readonly string[] | undefined): Refusal | undefined {
  const { headers } = call.request
  const plain = headers['x-api-key']
  const bearer = bearerToken(call)
  const key = plain || bearer
  if (!key) return { status: 401, message: 'x-api-key header is required' }
  if (apiKeys === undefined || apiKeys.includes(key)) return undefined
  return { status: 401, message: plain ? 'invalid x-api-key' : 'Invalid bearer token' }
}

/** The token of an `authorization: Bearer` header. */
export function bearerToken(call: Call): string | undefined {
  return /^bearer\s+(\S+)$/i.exec(call.request.headers.authorization ?? '')?.[1]
}

/** The access tokens that a venue lets in; undefined for any. */
export type KnownTokens = readonly string[] | ((token: string) => boolean) | undefined

/** Whether a token is let in. */
export function isKnownToken(token: string, known: KnownTokens): boolean {
  return known === undefined || (typeof known === 'function' ? known(token) : known.includes(token))
}

/** Whether the version header is there and known. */
export function refusedVersion(call: Call): Refusal | undefined {
  const version = call.request.headers['anthropic-version']
  if (version === undefined || version === '') {
    return { status: 400, message: 'anthropic-version: header is required' }
  }
  if (anthropicVersions.includes(version)) return undefined
  return { status: 400, message: `anthropic-version: "${version}" is not a valid version` }
}

/** What is wrong with the body of a Messages request, in the main points. */
export function refusedMessages(call: Call, operation: 'generate' | 'count_tokens'): Refusal | undefined {
  if (call.request.tooLarge) return { status: 413 }
  if (call.request.json === undefined) return bad('The request body is not valid JSON')
  if (
    typeof call.request.json !== 'object' ||
    call.request.json === null ||
    Array.isArray(call.request.json)
  ) {
    return bad('Input should be an object')
  }
  const body = fieldsOf(call.request.json)
  if (body.model === undefined) return bad('model: Field required')
  if (typeof body.model !== 'string' || body.model === '') return bad('model: Input should be a valid string')
  const tokens = body.max_tokens
  if (operation === 'generate') {
    if (tokens === undefined) return bad('max_tokens: Field required')
    if (!Number.isInteger(tokens)) return bad('max_tokens: Input should be a valid integer')
    if ((tokens as number) < 0) return bad('max_tokens: Input should be greater than or equal to 0')
  } else if (tokens !== undefined) return bad('max_tokens: Extra inputs are not permitted')
  if (body.stream !== undefined && typeof body.stream !== 'boolean') {
    return bad('stream: Input should be a valid boolean')
  }
  const strict = call.request.headers['anthropic-version'] === '2026-10-21'
  if (strict) {
    for (const name of ['temperature', 'top_p', 'top_k']) {
      if (name in body) return bad(`${name}: Extra inputs are not permitted`)
    }
  }
  return refusedTurns(body.messages, strict)
}

function refusedTurns(messages: unknown, strict: boolean): Refusal | undefined {
  if (messages === undefined) return bad('messages: Field required')
  if (!Array.isArray(messages)) return bad('messages: Input should be a valid list')
  if (messages.length === 0) return bad('messages: at least one message is required')
  for (const [i, message] of messages.entries()) {
    const { role, content } = fieldsOf(message)
    if (role !== 'user' && role !== 'assistant' && role !== 'system') {
      return bad(`messages.${i}.role: Input should be 'user', 'assistant' or 'system'`)
    }
    if (typeof content === 'string') continue
    if (!Array.isArray(content)) return bad(`messages.${i}.content: Input should be a valid string or list`)
    for (const [k, value] of content.entries()) {
      const block = fieldsOf(value)
      if (typeof block.type !== 'string') return bad(`messages.${i}.content.${k}.type: Field required`)
      if (!strict) continue
      if (role === 'assistant' && block.type === 'document') {
        return bad(`messages.${i}.content.${k}: document blocks are not permitted in assistant messages`)
      }
      if (role === 'user' && Array.isArray(block.citations) && block.citations.length > 0) {
        return bad(`messages.${i}.content.${k}.citations: Extra inputs are not permitted`)
      }
    }
  }
  return undefined
}

function bad(message: string): Refusal {
  return { status: 400, message }
}
