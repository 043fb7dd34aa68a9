import type { Failure } from '@spillway/middleware'
import type { JsonObject } from '@spillway/middleware/kit'
import { isObject, objectsOf } from '@spillway/wire/internal'
import type { ChatDialect } from './dialect.ts'

/** A field that translation has added or renamed, and how the request is written without it. */
interface Rule {
  /** The names under which a server may refuse it. */
  readonly names: readonly string[]
  /** Whether this request has it. */
  readonly isSent: (body: JsonObject) => boolean
  readonly without: Partial<ChatDialect>
}

const has =
  (name: string) =>
  (body: JsonObject): boolean =>
    body[name] !== undefined

const rules: readonly Rule[] = [
  {
    names: ['developer'],
    isSent: ({ messages }) => objectsOf(messages).some(({ role }) => role === 'developer'),
    without: { systemRole: 'system' },
  },
  {
    names: ['max_completion_tokens'],
    isSent: has('max_completion_tokens'),
    without: { maxTokens: 'max_tokens' },
  },
  {
    names: ['max_tokens'],
    isSent: has('max_tokens'),
    without: { maxTokens: 'max_completion_tokens' },
  },
  { names: ['safety_identifier'], isSent: has('safety_identifier'), without: { user: undefined } },
  { names: ['user'], isSent: has('user'), without: { user: undefined } },
  {
    names: ['stream_options', 'include_usage'],
    isSent: has('stream_options'),
    without: { streamOptions: false },
  },
  {
    names: ['parallel_tool_calls'],
    isSent: has('parallel_tool_calls'),
    without: { parallelToolCalls: false },
  },
  { names: ['reasoning_effort'], isSent: has('reasoning_effort'), without: { reasoning: 'none' } },
  { names: ['service_tier'], isSent: has('service_tier'), without: { serviceTier: false } },
  { names: ['top_k'], isSent: has('top_k'), without: { topK: false } },
  { names: ['strict'], isSent: hasStrict, without: { strict: false } },
]

function hasStrict({ tools, response_format }: JsonObject): boolean {
  const format = isObject(response_format) ? response_format.json_schema : undefined
  if (isObject(format) && format.strict !== undefined) return true
  return objectsOf(tools).some((tool) => isObject(tool.function) && tool.function.strict !== undefined)
}

/** That a field is not known, rather than that its value is wrong. */
const notKnown =
  /\bunknown\b|\bunrecogni[sz]ed\b|\bunsupported\b|\bunexpected\b|\bnot (?:currently )?(?:supported|permitted|allowed|recogni[sz]ed)\b|\b(?:isn't|doesn't|does not) support\b|\bextra_forbidden\b|\bextra (?:inputs|fields)\b|does not match any of the expected tags/i

/** These words are followed by what the server accepts instead. */
const instead = /,? (?:expected|use|did you mean|instead|supported (?:values|fields|parameters)|allowed)\b/i

/**
 * How to write the request so that a server takes it that has refused a field which translation added or renamed;
 * undefined for every other failure. Only where the server has said which one in so many words, and has not begun to
 * answer, which would be billed.
 * @param body reads the request as it was sent
 */
export function dialectRefused(
  { kind, origin, status, message }: Failure,
  body: () => JsonObject,
): Partial<ChatDialect> | undefined {
  const isRefusal = kind === 'invalid_request' && origin === 'upstream' && (status === 400 || status === 422)
  if (!isRefusal || !notKnown.test(message)) return undefined
  const [said = ''] = message.split(instead, 1)
  const named = rules.filter(({ names }) => names.some((name) => says(said, name)))
  const sent = named.length === 0 ? {} : body()
  const refused = named.filter(({ isSent }) => isSent(sent))
  if (refused.length === 0) return undefined
  return Object.assign({}, ...refused.map(({ without }) => without))
}

/** Whether a text names a field: in quotes, as a path, or where only a field can be meant. */
function says(text: string, name: string): boolean {
  const quoted = new RegExp(
    `(?:["'\`]|\\.|^|[:;] )${name}(?:["'\`]|$|[:.,]| is\\b)|\\b(?:field|parameter|property|argument|role)s? ${name}\\b|["'\`]?${name}["'\`]? (?:role|field|parameter)\\b`,
    'i',
  )
  return quoted.test(text)
}
