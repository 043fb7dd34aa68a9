import { parseBounded } from './bounded-json.ts'
import { field, stringField } from './usage.ts'

/** No message of a relay is searched further for the error in it. */
const longestRelayed = 16_384

/**
 * The place of the error in a body of any vendor's shape: under `error`, in a choice, in a list (Google has one around everything,
 * Cloudflare one of `errors`), in `base_resp` (MiniMax), in `Output` (AWS), or at the top. Undefined where there is none.
 */
export function errorIn(body: unknown): unknown {
  const top = Array.isArray(body) ? body[0] : body
  const error = field(top, 'error')
  // What is beside a text, such as a code, belongs to it.
  if (typeof error === 'string') return top
  return (Array.isArray(error) ? error[0] : error) ?? choiceError(top) ?? listedError(top) ?? flatError(top)
}

/** Whether a body says of itself that it is no answer, in a shape that has no `error`. */
export function isUnsuccessful(body: unknown): boolean {
  return Array.isArray(body) ? field(body[0], 'error') != null : listedError(body) !== undefined
}

function listedError(body: unknown): unknown {
  const errors = field(body, 'errors')
  if (field(body, 'success') === false && Array.isArray(errors)) return errors[0]
  // So AWS answers calls of an operation that it does not have, at Bedrock with 200 (seen to 2025-08 in vercel/ai#7825).
  const output = field(body, 'Output')
  if (typeof field(output, '__type') === 'string') return output
  const base = field(body, 'base_resp')
  const code = field(base, 'status_code')
  return typeof code === 'number' && code !== 0 ? base : undefined
}

function choiceError(body: unknown): unknown {
  const choices = field(body, 'choices')
  return Array.isArray(choices) ? choices.map((choice) => field(choice, 'error')).find(Boolean) : undefined
}

/** Errors whose fields are at the top, without an `error` around them. */
function flatError(body: unknown): unknown {
  const isFlat = ['message', 'Message', 'detail', '__type'].some((name) => field(body, name) !== undefined)
  return isFlat && field(body, 'choices') === undefined && field(body, 'content') === undefined
    ? body
    : undefined
}

/** What an error says in words. */
export function messageIn(error: unknown): string | undefined {
  if (typeof error === 'string') return error
  const detail = field(error, 'detail')
  return (
    stringField(error, 'message') ??
    stringField(error, 'Message') ??
    stringField(error, 'error') ??
    stringField(error, 'status_msg') ??
    (typeof detail === 'string' ? detail : undefined) ??
    fieldErrors(detail) ??
    // Mistral has the list one level deeper.
    fieldErrors(field(field(error, 'message'), 'detail')) ??
    stringField(detail, 'message')
  )
}

/** FastAPI names what is wrong with a request in a list: the place of each field, and what is wrong there. */
function fieldErrors(detail: unknown): string | undefined {
  if (!Array.isArray(detail)) return undefined
  const said = detail.slice(0, 8).flatMap((each) => {
    const loc = field(each, 'loc')
    const place = Array.isArray(loc) ? loc.slice(0, 8).filter((step) => step !== 'body') : []
    const words = stringField(each, 'msg')
    return words === undefined ? [] : [place.length === 0 ? words : `${place.join('.')}: ${words}`]
  })
  return said.length === 0 ? undefined : said.join('; ')
}

/**
 * How relays begin a message that holds the error of whoever is behind them: LiteLLM (`litellm.RateLimitError:
 * AnthropicException - {…}`, seen to 2026-02 in BerriAI/litellm#14144), claude-code-router (`Error from provider(zai,glm-4.6:
 * 429): {…}`, seen to 2025-12 in its #1071).
 */
const relayed = /^(?:(?:litellm\.\w+: )+(?:\w+ - )?(?:b')?|Error from provider ?\([^()]{0,200}\): )/

/** OpenRouter's only own words where a provider has failed; the provider's are in `metadata.raw`. */
const providerFailed = /^(?:Error from provider: )?Provider returned error$/

/** The error of whoever is behind a relay, as far as that tells it. */
export interface RelayedError {
  readonly error: unknown
  readonly message: string
  /** Whether the relay says nothing itself. */
  readonly isAll: boolean
}

export function relayedError(error: unknown, message: string): RelayedError | undefined {
  const raw = providerFailed.test(message) ? stringField(field(error, 'metadata'), 'raw') : undefined
  const prefix = raw === undefined ? relayed.exec(message)?.[0] : ''
  if (prefix === undefined) return undefined
  const text = (raw ?? message.slice(prefix.length)).slice(0, longestRelayed)
  const inner = errorIn(parseBounded(firstObject(text) ?? ''))
  const words = messageIn(inner)
  if (inner !== undefined)
    return { error: inner, message: words ?? '', isAll: raw !== undefined && words !== undefined }
  // Text that is no error of a known shape may quote anything; what a relay itself has put before it is not searched.
  return raw === undefined ? { error: undefined, message: text, isAll: false } : undefined
}

/** The JSON object that a text begins with, whatever follows it. */
function firstObject(text: string): string | undefined {
  if (!text.startsWith('{')) return undefined
  let depth = 0
  let isText = false
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (isText) {
      if (char === '\\') at++
      else if (char === '"') isText = false
    } else if (char === '"') isText = true
    else if (char === '{') depth++
    else if (char === '}' && --depth === 0) return text.slice(0, at + 1)
  }
  return undefined
}
