import {
  deriveRequest,
  emit,
  type Handler,
  type Middleware,
  type ModelRequest,
  type ModelResponse,
  named,
} from '@spillway/middleware'
import { type JsonBody, type Operation, withKnownFields } from '@spillway/middleware/kit'
import { degradedResponse, type Loss, localCount, mergeLosses } from '@spillway/translation'
import { refuse } from '@spillway/wire'
import { betasOf } from '../forms/index.ts'
import { afterFailure, knownBetas, type Learned, Lessons, mostLessons } from './lessons.ts'
import {
  isOfOneItem,
  lossOf,
  type NotTaken,
  omitFields,
  saysSomething,
  whyElsewhere,
  withoutPath,
} from './not-taken.ts'

/** A first-party call with what is to be said of it at a venue. */
export interface Prepared {
  readonly request: ModelRequest
  /** The body without what the venue does not take. */
  readonly body: JsonBody
  /** The model's id here. */
  readonly id: string
  readonly betas: readonly string[]
}

/** One venue: how it names, takes and answers calls. */
export interface VenueForm {
  /** For people: `Amazon Bedrock`. */
  readonly label: string
  readonly notTaken: NotTaken
  /** The betas that it is known to take. @default all, less those that it has refused */
  readonly betas?: ReadonlySet<string> | undefined
  /** The ids that a model may have here, most likely first. */
  ids(model: string): readonly string[]
  /** The call as it is sent. @throws SyntaxError for a body that is no JSON object */
  write(call: Prepared): ModelRequest
  /** The answer in first-party form. */
  read?(asked: ModelRequest, response: ModelResponse): ModelResponse | Promise<ModelResponse>
}

/**
 * Brings first-party calls into a venue's form and its answers back. What the venue refuses as unknown is learned: betas and hints are
 * left out and told (`degraded`), and calls that need more are refused as `unfit`, so that they are answered elsewhere.
 */
export function venueForm(venue: VenueForm): Middleware {
  // A count is refused for what a call of the same model may say: Vertex AI knows more betas here than there.
  const lessons: Readonly<Record<Operation, Lessons>> = {
    generate: new Lessons(),
    count_tokens: new Lessons(),
  }
  const forming: Middleware = (next) => (request) => {
    try {
      const asked = withFields(request)
      const learned = lessons[request.operation]
      const reason = whyNot(asked, venue, learned)
      if (reason === undefined) return formed(next, asked, venue, learned)
      return Promise.resolve(refuse(request, { kind: 'unfit', message: reason }))
    } catch (error) {
      return Promise.resolve(refuseUnreadable(request, error))
    }
  }
  return named(forming, 'venue', { options: { at: venue.label } })
}

/** The places of the fields are looked for once: in 500 kB that takes milliseconds. The gateway knows them. */
function withFields(request: ModelRequest): ModelRequest {
  const body = withKnownFields(request.body)
  return body === undefined || body === request.body ? request : deriveRequest(request, { body })
}

function whyNot(request: ModelRequest, venue: VenueForm, lessons: Lessons): string | undefined {
  const { api, body, clock, model } = request
  if (api !== 'anthropic')
    return `${venue.label} is called with Anthropic's Messages: use translate({ to: 'anthropic' }) in front`
  const { elsewhere } = lessons.for(model, clock.now())
  const refused = elsewhere.find((path) => saysSomething(body, path))
  const what = whyElsewhere(body, venue.notTaken) ?? (refused && `\`${refused}\``)
  return what && notTakenHere(venue, what)
}

function notTakenHere({ label }: VenueForm, what: string): string {
  return `${label} does not take ${what}: another endpoint may`
}

async function formed(
  next: Handler,
  asked: ModelRequest,
  venue: VenueForm,
  lessons: Lessons,
): Promise<ModelResponse> {
  const { clock, model } = asked
  let learned = lessons.for(model, clock.now())
  if (asked.operation === 'count_tokens' && learned.countless) return estimated(asked)
  let told: readonly Loss[] = []
  let response: ModelResponse | undefined
  for (let tries = 0; ; tries++) {
    let written: { readonly request: ModelRequest; readonly call: Prepared; readonly losses: readonly Loss[] }
    try {
      written = write(asked, venue, learned)
    } catch (error) {
      return refuseUnreadable(asked, error)
    }
    const fresh = written.losses.filter((loss) => !told.includes(loss))
    if (fresh.length > 0) emit(asked, 'degraded', { losses: fresh })
    told = mergeLosses(told, fresh)
    response = await next(written.request)
    const { failure } = response
    if (failure === undefined) {
      if (tries > 0) lessons.learn(model, learned, clock.now())
      return degradedResponse(await read(venue, asked, response), written.losses)
    }
    if (asked.operation === 'count_tokens' && isCountless(response)) {
      response.body.cancel()
      lessons.learn(model, { ...learned, countless: true }, clock.now())
      return estimated(asked)
    }
    const after = tries < mostLessons ? afterFailure(failure, learned, written.call) : undefined
    if (after === undefined) break
    const place = after.elsewhere.find((path) => !learned.elsewhere.includes(path))
    learned = after
    if (place !== undefined) {
      response.body.cancel()
      if (!isOfOneItem(place)) lessons.learn(model, learned, clock.now())
      return refuse(asked, {
        kind: 'unfit',
        message: `${notTakenHere(venue, `\`${place}\``)} (${failure.message})`,
      })
    }
    // The last id has been refused as well: the venue's own words say so.
    if (untried(venue, model, learned) === undefined) break
    response.body.cancel()
  }
  return read(venue, asked, response)
}

function untried(venue: VenueForm, model: string, { wrongIds }: Learned): string | undefined {
  return venue.ids(model).find((id) => !wrongIds.includes(id))
}

function write(asked: ModelRequest, venue: VenueForm, learned: Learned) {
  const { model } = asked
  const hints = [...(venue.notTaken.hints ?? []), ...learned.without]
  let { body } = asked
  const lost = new Set<Loss>()
  const before = body
  for (const path of hints) {
    const isThere = path.includes('.') ? withoutPath(before, path) !== before : saysSomething(before, path)
    if (isThere) note(path)
  }
  // Fields that ask for nothing, such as `null`, are unknown there too.
  const unknown = [...hints, ...(venue.notTaken.fields ?? []), ...learned.elsewhere]
  body = omitFields(
    body,
    unknown.filter((path) => !path.includes('.')),
  )
  for (const path of hints) if (path.includes('.')) body = withoutPath(body, path)
  const named = betasOf(asked.headers)
  const betas = knownBetas(
    venue.betas === undefined ? named : named.filter((name) => venue.betas?.has(name)),
    learned,
  )
  if (betas.length < named.length) lost.add('betas')
  const id = untried(venue, model, learned) ?? (venue.ids(model)[0] as string)
  const call: Prepared = { request: asked, body, id, betas }
  return { request: venue.write(call), call, losses: [...lost] }

  function note(path: string): void {
    const loss = lossOf(path)
    if (loss !== undefined) lost.add(loss)
  }
}

function read(
  { read: readAnswer }: VenueForm,
  asked: ModelRequest,
  response: ModelResponse,
): ModelResponse | Promise<ModelResponse> {
  return readAnswer === undefined ? response : readAnswer(asked, response)
}

/** A venue that cannot count a model's tokens says so in many ways; a call that it would answer later is no such case. */
function isCountless({ failure }: ModelResponse): boolean {
  if (failure === undefined || failure.origin !== 'upstream' || failure.retryable) return false
  return (
    failure.kind === 'not_found' || /\bcount(?:ing)?[ -]?tokens\b|\btoken counting\b/i.test(failure.message)
  )
}

function estimated(asked: ModelRequest): ModelResponse {
  emit(asked, 'degraded', { losses: ['token_count'] })
  return localCount(asked)
}

function refuseUnreadable(request: ModelRequest, error: unknown): ModelResponse {
  if (!(error instanceof SyntaxError)) throw error
  return refuse(request, { kind: 'invalid_request', message: error.message })
}

/** The headers of a call, less those that say who calls, or that were signed for another. */
export function withoutCallersClouds(request: ModelRequest): Record<string, string> {
  return Object.fromEntries(
    Object.entries(request.headers).filter(([name]) => !/^x-(?:amz|goog)-/.test(name)),
  )
}

/** The same call with other headers, at a venue that takes first-party calls. */
export function inFirstPartyForm(
  { request, body, id, betas }: Prepared,
  added: Record<string, string> = {},
): ModelRequest {
  const { 'anthropic-beta': _, ...headers } = withoutCallersClouds(request)
  const kept = betas.length === 0 ? headers : { ...headers, 'anthropic-beta': betas.join(',') }
  const written = body === request.body ? request : deriveRequest(request, { body })
  return deriveRequest(deriveRequest(written, { model: id }), { headers: { ...kept, ...added } })
}
