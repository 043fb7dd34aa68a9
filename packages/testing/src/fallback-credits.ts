import { createHash, createHmac, randomBytes } from 'node:crypto'
import { type Call, fieldsOf, modelOf, type Refusal } from './answer.ts'
import { bearerToken } from './anthropic-validation.ts'
import { bad, betasOf, type CreditField, creditField, grantsCredit } from './fallback-fields.ts'
import { continuable, isForcedOrFormatted, saidBy } from './partial-answer.ts'
import type { FullReply } from './reply.ts'

/** What a token is sealed with: the refused request, and what was said before the refusal. */
interface Sealed {
  readonly model: string
  /** Of the request as it was, and of the same without the turn that a continuation had appended. */
  readonly exact: string
  readonly base: string
  readonly betas: string
  readonly key: string
  readonly until: number
  /** What an appended turn must say; undefined where none may be appended. */
  readonly continuation: string | undefined
}

/** Why a token was not applied, in the words of `usage.fallback_credit`, and of the 400 of a strict retry. */
const reasons = {
  expired: 'the token has expired',
  wrong_organization: 'the token belongs to another organization',
  invalid_target_model: 'the model is no fallback target of the refused model',
  body_mismatch: 'request body does not match the refused request',
  continuation_excluded: 'this token cannot be redeemed by continuing the partial response',
} as const
type Reason = keyof typeof reasons

/** All that shapes the prompt; anything else may change on the retry. */
const matched = [
  ...['system', 'messages', 'tools', 'tool_choice', 'thinking', 'cache_control', 'output_config'],
  ...['mcp_servers', 'context_management', 'container'],
]

/**
 * The credit that Claude gives for the retry of a refused request on another model, and the checks of its tokens. After
 * platform.claude.com, fallback-credit (2026-09), and the types of @anthropic-ai/sdk 1.12.0.
 */
export class FallbackCredits {
  readonly #permitted: Readonly<Record<string, readonly string[]>>
  readonly #lifetimeMs: number
  readonly #secret = randomBytes(16)
  readonly #redeemed = new WeakMap<object, Reason | undefined>()

  constructor(permitted: Readonly<Record<string, readonly string[]>>, lifetimeMs = 300_000) {
    this.#permitted = permitted
    this.#lifetimeMs = lifetimeMs
  }

  /** What is wrong with a retry, so that it is not served. */
  refused(call: Call): Refusal | undefined {
    const field = creditField(call)
    if (field === undefined) return fallbacksProblem(call) ?? seamProblem(call)
    if ('status' in field) return field
    const sealed = this.#open(field)
    if (sealed === undefined) return bad('malformed token')
    const reason = this.#check(call, sealed)
    if (reason !== undefined && field.mode === 'strict') return bad(reasons[reason])
    const { appended } = turnsOf(call)
    if (reason !== undefined && appended !== undefined) return noPrefill
    this.#redeemed.set(call.request, reason)
    return seamProblem(call) ?? (appended === undefined ? undefined : turnProblem(appended))
  }

  /** A reply with what its request's token has done, and its own token where it is a refusal. */
  settled(call: Call, reply: FullReply): FullReply {
    const credited = this.#redeemed.has(call.request) ? this.#credited(call, reply) : reply
    return credited.refusal === undefined
      ? credited
      : { ...credited, stopDetails: this.#details(call, credited) }
  }

  /** As if the conversation had been on this model all along: what it writes to its cache it would have read. */
  #credited({ request }: Call, reply: FullReply): FullReply {
    const reason = this.#redeemed.get(request)
    const status = reason === undefined ? { type: 'redeemed' } : { type: 'not_applied', reason }
    const moreUsage = { ...reply.moreUsage, fallback_credit: { status } }
    if (reason !== undefined) return { ...reply, moreUsage }
    const { cacheReadTokens, cacheWriteTokens } = reply.usage
    const moved = {
      cacheReadTokens: cacheReadTokens + cacheWriteTokens,
      cacheWriteTokens: 0,
      cacheWrite1hTokens: 0,
    }
    return { ...reply, moreUsage, usage: { ...reply.usage, ...moved } }
  }

  #details(call: Call, reply: FullReply): object {
    const { category = null, explanation = null } = reply.refusal ?? {}
    const plain = { type: 'refusal', category, explanation }
    if (!grantsCredit(call)) return plain
    const isEligible = (this.#permitted[modelOf(call)] ?? []).length > 0
    const sealed = isEligible ? this.#seal(call, reply) : undefined
    return {
      ...plain,
      fallback_credit_token: sealed === undefined ? null : this.#token(sealed),
      fallback_has_prefill_claim: sealed === undefined ? null : sealed.continuation !== undefined,
      recommended_model: null,
    }
  }

  #seal(call: Call, reply: FullReply): Sealed {
    const { before, appended } = turnsOf(call)
    // A turn that an earlier token has let in grows; all else at the end is the caller's own.
    const base = this.#redeemed.has(call.request) && appended !== undefined ? appended : []
    const said = continuable([...base, ...saidBy(call, reply)])
    const mayContinue = said.length > 0 && !isForcedOrFormatted(call)
    return {
      model: modelOf(call),
      exact: fingerprint(call),
      base: base.length > 0 ? fingerprint(call, before) : fingerprint(call),
      betas: comparedBetas(call),
      key: keyOf(call),
      until: Date.now() + this.#lifetimeMs,
      continuation: mayContinue ? JSON.stringify(said) : undefined,
    }
  }

  #check(call: Call, sealed: Sealed): Reason | undefined {
    if (Date.now() >= sealed.until) return 'expired'
    if (keyOf(call) !== sealed.key) return 'wrong_organization'
    if (!(this.#permitted[sealed.model] ?? []).includes(modelOf(call))) return 'invalid_target_model'
    if (comparedBetas(call) !== sealed.betas) return 'body_mismatch'
    if (fingerprint(call) === sealed.exact) return undefined
    const { before, appended } = turnsOf(call)
    if (appended === undefined || fingerprint(call, before) !== sealed.base) return 'body_mismatch'
    if (sealed.continuation === undefined) return 'continuation_excluded'
    return JSON.stringify(continuable(appended)) === sealed.continuation ? undefined : 'body_mismatch'
  }

  #token(sealed: Sealed): string {
    const text = Buffer.from(JSON.stringify(sealed)).toString('base64url')
    return `fct_${text}.${this.#signature(text)}`
  }

  #open({ token }: CreditField): Sealed | undefined {
    const [, text, signature] = /^fct_([\w-]+)\.([\w-]+)$/.exec(token) ?? []
    if (text === undefined || signature !== this.#signature(text)) return undefined
    return JSON.parse(Buffer.from(text, 'base64url').toString())
  }

  #signature(text: string): string {
    return createHmac('sha256', this.#secret).update(text).digest('base64url')
  }
}

const noPrefill: Refusal = {
  status: 400,
  message:
    'This model does not support assistant message prefill. The conversation must end with a user message.',
}

/** The messages, and the content of the last one where the assistant said it. */
function turnsOf({ request }: Call): { before: unknown[]; appended: unknown[] | undefined } {
  const { messages } = fieldsOf(request.json)
  const all: unknown[] = Array.isArray(messages) ? messages : []
  const { role, content } = fieldsOf(all.at(-1))
  if (role !== 'assistant') return { before: all, appended: undefined }
  const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : content
  return { before: all.slice(0, -1), appended: Array.isArray(blocks) ? blocks : [] }
}

/** A list, or the vendor's own choice, under the beta that knows it. */
function fallbacksProblem(call: Call): Refusal | undefined {
  const { fallbacks } = fieldsOf(call.request.json)
  const betas = betasOf(call)
  const isNewer = betas.has('server-side-fallback-2026-07-01')
  if (fallbacks == null || isNewer) return undefined
  if (betas.has('server-side-fallback-2026-06-01') && Array.isArray(fallbacks)) return undefined
  return { status: 400, message: 'fallbacks: Extra inputs are not permitted' }
}

/** What Claude's validator says of a turn that is to be continued. */
function turnProblem(appended: readonly unknown[]): Refusal | undefined {
  const last = fieldsOf(appended.at(-1))
  if (last.type === 'text' && /\s$/.test(String(last.text)))
    return { status: 400, message: 'messages: final assistant content cannot end with trailing whitespace' }
  if (appended.some((block) => fieldsOf(block).type === 'tool_use'))
    return { status: 400, message: 'messages: `tool_use` ids were found without `tool_result` blocks' }
  return undefined
}

/**
 * Seams of an earlier turn. The newest page says that they are taken without a beta; the SDK's middleware says that they are
 * refused, and takes them out. The stricter of the two.
 */
function seamProblem(call: Call): Refusal | undefined {
  if ([...betasOf(call)].some((beta) => beta.startsWith('server-side-fallback-'))) return undefined
  const { messages } = fieldsOf(call.request.json)
  for (const [i, message] of (Array.isArray(messages) ? messages : []).entries()) {
    const { content } = fieldsOf(message)
    const k = Array.isArray(content) ? content.findIndex((block) => fieldsOf(block).type === 'fallback') : -1
    if (k >= 0)
      return { status: 400, message: `messages.${i}.content.${k}: Input tag 'fallback' is not known` }
  }
  return undefined
}

function fingerprint(call: Call, messages?: readonly unknown[]): string {
  const body = { ...fieldsOf(call.request.json), ...(messages && { messages }) } as Record<string, unknown>
  return hash(JSON.stringify(matched.map((name) => body[name] ?? null)))
}

function comparedBetas(call: Call): string {
  const compared = [...betasOf(call)].filter((beta) => !/^(server-side-fallback|fallback-credit)-/.test(beta))
  return compared.sort().join()
}

function keyOf(call: Call): string {
  return hash(call.request.headers['x-api-key'] || bearerToken(call) || '')
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22)
}
