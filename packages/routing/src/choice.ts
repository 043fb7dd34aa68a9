import type { Conversations } from './conversations.ts'
import type { AnswerKind, Endpoint, Key } from './endpoint.ts'

/**
 * Why an endpoint was chosen. `balanced`: by weight, latency and load. `affinity`: its conversation is there. `moved`: a
 * conversation had to leave. `probe`: to see whether the endpoint or its key is well again. `next`: another one has
 * refused this very call. `hedge`: beside one that takes long. `last_resort`: none is well.
 */
export type ChoiceReason = 'balanced' | 'affinity' | 'moved' | 'probe' | 'next' | 'hedge' | 'last_resort'

export interface Choice {
  readonly endpoint: Endpoint
  /** The key that the call goes there with. */
  readonly key: Key
  readonly reason: ChoiceReason
}

/** What a choice is made by. */
export interface Asked {
  readonly now: number
  readonly random: () => number
  readonly kind: AnswerKind
  readonly conversation: { readonly key: string; readonly isFirstTurn: boolean } | undefined
  /** The caller's own key, where something is known of it. */
  readonly callersKey: Key | undefined
  /** Whether it may test an endpoint that is left out. */
  readonly mayProbe: boolean
  /** Endpoints that have failed this call before. */
  readonly tried: ReadonlySet<Endpoint> | undefined
  /** Endpoints that are out of the question; few, so that a list is quicker than a set. */
  readonly excluded: readonly Endpoint[]
}

/** What is known of all endpoints together. */
export interface Pool {
  readonly endpoints: readonly Endpoint[]
  /** Where conversations live. */
  readonly conversations: Conversations | undefined
  readonly boundedLoad: number
  /** Milliseconds for which a conversation that is at home elsewhere is not used as a probe. */
  readonly probePatience: number
  inFlight: number
  /** What speaks against each endpoint in the choice that is being made; {@link excluded} where it is out of the question. */
  readonly objections: Uint8Array
  /** The usual latency of each kind. */
  readonly usual: Record<AnswerKind, number>
}

/** Costs that differ by less are the same: then weights decide. */
const nearTie = 1.25

/** The key that a call goes to an endpoint with. */
export function keyTo({ key }: Endpoint, { callersKey }: Asked): Key {
  return key.isCallers ? (callersKey ?? key) : key
}

/** How much speaks against an endpoint; 0 when nothing does. Calls go where least does. */
function objectionsTo(endpoint: Endpoint, asked: Asked): number {
  const { now, tried } = asked
  const { ejection } = endpoint
  const key = keyTo(endpoint, asked)
  // A caller whose own key is refused hears of it again, rather than of ours that is refused too.
  const refused = key.isCallers ? 4 : 8
  return (
    (key.suspension.isOut ? refused : 0) +
    (ejection.isOut ? 4 : 0) +
    (key.pausedUntil > now ? 2 : 0) +
    (tried?.has(endpoint) ? 1 : 0)
  )
}

const unusable = 4
const excluded = 255

/** Weighs all endpoints up; returns the least that speaks against any. */
function weighUp({ endpoints, objections }: Pool, asked: Asked): number {
  let least = excluded
  for (const endpoint of endpoints) {
    const found = asked.excluded.includes(endpoint) ? excluded : objectionsTo(endpoint, asked)
    objections[endpoint.index] = found
    if (found < least) least = found
  }
  return least
}

/** Chooses an endpoint; undefined when all are excluded. */
export function choose(pool: Pool, asked: Asked): Choice | undefined {
  const { conversation } = asked
  const home = conversation && pool.conversations?.placeOf(conversation.key)
  const probed = asked.mayProbe ? toProbe(pool, asked, home) : undefined
  if (probed !== undefined) return chosen(probed, 'probe', asked)
  const least = weighUp(pool, asked)
  if (least === excluded) return undefined
  const endpoint = home === undefined ? ofTwo(pool, asked, least) : forConversation(pool, asked, home, least)
  if (least >= unusable) return chosen(endpoint, 'last_resort', asked)
  if (home === undefined || conversation?.isFirstTurn) return chosen(endpoint, 'balanced', asked)
  return chosen(endpoint, endpoint === home ? 'affinity' : 'moved', asked)
}

function chosen(endpoint: Endpoint, reason: ChoiceReason, asked: Asked): Choice {
  return { endpoint, key: keyTo(endpoint, asked), reason }
}

/**
 * Where a conversation goes: where it is, or by its hash to the next endpoint against which as little speaks. Where it has
 * no prompt cache to lose it leaves one that has too much to do, or costs more than the next.
 */
function forConversation(pool: Pool, asked: Asked, home: Endpoint, least: number): Endpoint {
  const { objections, conversations, boundedLoad } = pool
  const { key, isFirstTurn } = asked.conversation as NonNullable<Asked['conversation']>
  const isUsable = (endpoint: Endpoint): boolean => objections[endpoint.index] === least
  if (isUsable(home) && !isFirstTurn) return home
  const wanted = isUsable(home) ? home : (conversations?.best(key, isUsable) as Endpoint)
  if (loadOf(pool, wanted) > boundedLoad) return ofTwo(pool, asked, least)
  const next = conversations?.best(key, (endpoint) => endpoint !== wanted && isUsable(endpoint))
  if (next === undefined || loadOf(pool, next) > boundedLoad) return wanted
  return costOf(pool, next, asked) * nearTie < costOf(pool, wanted, asked) ? next : wanted
}

/** The best of those against which nothing speaks, for a hedge. */
export function chooseHedge(pool: Pool, asked: Asked): Endpoint | undefined {
  return weighUp(pool, asked) === 0 ? ofTwo(pool, asked, 0) : undefined
}

function toProbe({ endpoints, probePatience }: Pool, asked: Asked, home: Endpoint | undefined) {
  const { now, tried } = asked
  const settled = home !== undefined && !asked.conversation?.isFirstTurn
  return endpoints.find((endpoint) => {
    const { ejection } = endpoint
    const key = keyTo(endpoint, asked)
    if (!ejection.isOut && !key.suspension.isOut) return false
    if (asked.excluded.includes(endpoint) || tried?.has(endpoint) || key.pausedUntil > now) return false
    // A conversation that is well off is not sent out for this until no other call has come for a while.
    const at = settled && home !== endpoint ? now - probePatience : now
    return (!ejection.isOut || ejection.isDue(at)) && (!key.suspension.isOut || key.suspension.isDue(at))
  })
}

/**
 * The power of two choices (Mitzenmacher, 2001): draws two by weight and takes the cheaper; where they cost nearly the
 * same, the one drawn first, so that weights hold when there is little to do.
 */
function ofTwo(pool: Pool, asked: Asked, least: number): Endpoint {
  const first = drawn(pool, asked, least, undefined) as Endpoint
  const second = drawn(pool, asked, least, first)
  if (second === undefined) return first
  return costOf(pool, second, asked) * nearTie < costOf(pool, first, asked) ? second : first
}

function drawn(
  pool: Pool,
  { random }: Asked,
  least: number,
  not: Endpoint | undefined,
): Endpoint | undefined {
  const { endpoints, objections } = pool
  let sum = 0
  for (const endpoint of endpoints) {
    if (objections[endpoint.index] === least && endpoint !== not) sum += endpoint.weight
  }
  if (sum === 0) return undefined
  let rest = random() * sum
  let last: Endpoint | undefined
  for (const endpoint of endpoints) {
    if (objections[endpoint.index] !== least || endpoint === not) continue
    last = endpoint
    rest -= endpoint.weight
    if (rest < 0) break
  }
  return last
}

function costOf(pool: Pool, endpoint: Endpoint, { now, kind }: Asked): number {
  return endpoint.latency[kind].value(now, pool.usual[kind]) * loadOf(pool, endpoint)
}

/**
 * Calls in flight, with one more, by the endpoint's fair share of all. Where many are in flight this is in flight + 1 by
 * weight; a single call is no overload.
 */
function loadOf({ inFlight }: Pool, endpoint: Endpoint): number {
  return (endpoint.inFlight + 1) / Math.max(1, endpoint.fairShare * (inFlight + 1))
}
