import {
  type Api,
  deriveRequest,
  emit,
  type Handler,
  type Middleware,
  type ModelRequest,
  type ModelResponse,
  named,
} from '@spillway/middleware'
import { withDefaults } from '@spillway/middleware/kit'
import { type Refusal, refuse } from '@spillway/wire'
import { countJsonValues, findSources } from '@spillway/wire/internal'
import { byResponsesWhereAsked } from './by-responses.ts'
import { fieldWriterWithNumbersOf } from './carried-numbers.ts'
import { inItsDialect } from './in-its-dialect.ts'
import { freshLesson, LearnedDialect, mostLessons } from './learned-dialect.ts'
import { localCount } from './local-count.ts'
import type { ChatDialect, ChatDialectName } from './protocols/dialect.ts'
import { type Loss, mergeLosses } from './protocols/loss.ts'
import {
  type Outgoing,
  type OutgoingOptions,
  translatedRequest,
  UntranslatableRequest,
} from './translated-request.ts'
import { translatedResponse } from './translated-response.ts'
import { isLarge, nextTurn } from './turns.ts'
import { bodyInTurns } from './written-in-turns.ts'
import './events.ts'

export interface TranslateOptions {
  /**
   * The protocol that the target speaks. Requests that speak it already pass byte for byte, but for the words of another
   * `dialect` of chat completions that the target would refuse.
   */
  readonly to: Api
  /**
   * Whose requests are translated: callers of this protocol alone. All others pass untouched. It may go before other policies,
   * outermost: a `translate` of each target then finds the words of its server.
   * @default undefined: all that speak another protocol than the target
   */
  readonly from?: Api | undefined
  /**
   * With `to: 'openai'`: which servers of that protocol it is, or what yours takes. A field that the server refuses as
   * unknown is left out or renamed, and for an hour from then on for its model.
   * @default 'openai'
   */
  readonly dialect?: ChatDialectName | ChatDialect
  /**
   * With `to: 'openai'`: whether the server has the Responses API as well. Its callers pass then, and what the server takes there alone
   * goes there: GPT-6 with tools, for instance.
   * @default false
   */
  readonly responses?: boolean | undefined
  /**
   * With `to: 'anthropic'`: the limit of an answer in tokens, 1 or more, where the caller has set none.
   * @default undefined: what the model can, 32000 at most; 8192 for models that are not known
   */
  readonly maxTokens?: number | undefined
}

/** The defaults of {@link TranslateOptions}. */
export const translateDefaults: Required<Omit<TranslateOptions, 'to'>> = {
  from: undefined,
  dialect: 'openai',
  responses: false,
  maxTokens: undefined,
}

/**
 * Lets callers of one protocol be answered by a target that speaks the other. Goes innermost, next to the client. What
 * the target's protocol cannot say is named in `x-spillway-degraded` and in the event `degraded`.
 *
 * Counts of tokens for targets without such a call are answered with an estimate.
 */
export function translate(options: TranslateOptions): Middleware {
  const { to, from, dialect, responses, maxTokens } = withDefaults(translateDefaults, options)
  if (maxTokens !== undefined && !(maxTokens >= 1)) {
    throw new RangeError(`translate.maxTokens must be 1 or more, but is ${maxTokens}`)
  }
  const learned = new LearnedDialect(dialect)
  const translating: Middleware = (next) => (request) => {
    if (from !== undefined && request.api !== from) return next(request)
    const reason = whyNotTranslated(request, to)
    if (reason !== undefined) return Promise.resolve(refuse(request, { kind: 'unfit', message: reason }))
    if (request.api !== to) return translated(next, request, { to, from, learned, maxTokens })
    const isChat = to === 'openai' && request.operation === 'generate'
    return isChat ? inItsDialect(next, request, learned) : next(request)
  }
  const name = to === 'openai' && typeof dialect === 'string' ? dialect : undefined
  const whole =
    to === 'openai' && responses
      ? byResponsesWhereAsked(translating, translate({ from, to: 'responses' }))
      : translating
  return named(whole, 'translate', { options: { to, dialect: name } })
}

/** What is not translated yet. Calls that need no translation pass. */
function whyNotTranslated({ api, venue }: ModelRequest, to: Api): string | undefined {
  if (api === to) return undefined
  if (venue !== undefined)
    return `calls in the form of ${venue === 'bedrock' ? 'Amazon Bedrock' : 'Vertex AI'} are not translated yet: use a target at that cloud`
  return undefined
}

interface Target {
  readonly to: Api
  readonly from: Api | undefined
  readonly learned: LearnedDialect
  readonly maxTokens: number | undefined
}

async function translated(
  next: Handler,
  request: ModelRequest,
  { to, from, learned, maxTokens }: Target,
): Promise<ModelResponse> {
  const { clock, model } = request
  const options = { dialect: learned.for(model, clock.now()), maxTokens }
  let outgoing: Outgoing
  try {
    if (request.operation === 'count_tokens') {
      emit(request, 'degraded', { losses: ['token_count'] })
      return localCount(request)
    }
    const values = countJsonValues(request.body) ?? 0
    if (values > mostValues) return refuse(request, tooMany(values))
    outgoing = await translatedInTurns(from === undefined ? request : withoutRestart(request), to, options)
  } catch (error) {
    if (error instanceof UntranslatableRequest) {
      return refuse(request, { kind: 'invalid_request', message: error.message })
    }
    if (!(error instanceof SyntaxError)) throw error
    return refuse(request, unreadable(error))
  }
  // What has become a chat is patched for its server like one of a caller's.
  if (to === 'openai' && request.api === 'responses') {
    tellLosses(request, outgoing)
    const send = from === undefined ? inItsDialect(next, outgoing.request, learned) : next(outgoing.request)
    return translatedResponse(request, outgoing, await send)
  }
  let told = tellLosses(request, outgoing)
  let response = await next(outgoing.request)
  let changes: Partial<ChatDialect> = {}
  for (let lessons = 0; to === 'openai' && lessons < mostLessons && response.failure; lessons++) {
    const lesson = freshLesson(response.failure, outgoing.request.body, changes)
    if (lesson === undefined) break
    changes = lesson
    response.body.cancel()
    const dialect = { ...options.dialect, ...changes }
    outgoing = await translatedInTurns(request, to, { ...options, dialect })
    told = tellLosses(request, outgoing, told)
    response = await next(outgoing.request)
  }
  const hasLearned = response.failure === undefined && Object.keys(changes).length > 0
  if (hasLearned) learned.learn(model, changes, clock.now())
  return translatedResponse(request, outgoing, response)
}

/** Behind a translation of all targets' answers a stream cannot begin again: it would be one answer of two. */
function withoutRestart(request: ModelRequest): ModelRequest {
  const { 'x-spillway-restart': restart, ...headers } = request.headers
  return restart === undefined ? request : deriveRequest(request, { headers })
}

/** Tells of losses that have not been told of yet; returns all that have. */
function tellLosses(request: ModelRequest, outgoing: Outgoing, told: readonly Loss[] = []): readonly Loss[] {
  const losses = outgoing.translated.degraded.filter((loss) => !told.includes(loss))
  if (losses.length > 0) emit(request, 'degraded', { losses })
  return mergeLosses(told, losses)
}

/** A small request at once; a large one is parsed, translated and encoded in separate turns of the event loop. */
async function translatedInTurns(
  request: ModelRequest,
  to: Api,
  options: OutgoingOptions,
): Promise<Outgoing> {
  if (!isLarge(request.body)) return translatedRequest(request, to, options)
  await nextTurn(request)
  const { json } = request.body
  await nextTurn(request)
  for (const _ of findSources(json, request.body.bytes)) await nextTurn(request)
  const outgoing = translatedRequest(request, to, options, json)
  await nextTurn(request)
  const object = outgoing.request.body.json
  const write = fieldWriterWithNumbersOf(request.body, object)
  const body = await bodyInTurns(object, write, () => nextTurn(request))
  return { ...outgoing, request: deriveRequest(outgoing.request, { body }) }
}

/**
 * JSON values that are translated at most: more would hold up other calls for longer than 100 ms. A conversation of 50,000
 * messages has 150,000.
 */
const mostValues = 160_000

function tooMany(values: number): Refusal {
  const message = `the request cannot be translated: it has ${values} JSON values, of which ${mostValues} can be`
  return { kind: 'unfit', message }
}

function unreadable(error: SyntaxError): Refusal {
  return { kind: 'invalid_request', message: `the request cannot be translated: ${error.message}` }
}
