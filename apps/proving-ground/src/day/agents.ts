import {
  type Clock,
  createRequest,
  type Handler,
  type ModelResponse,
  type Outcome,
  sleep,
} from '@spillway/middleware'
import { type JsonBody, noDeadline, type Operation } from '@spillway/middleware/kit'
import type { Limits } from '@spillway/rate-limit'
import type { SimulatedAnswer } from '@spillway/testing'
import { Dice } from '../fuzz/dice.ts'
import { plannedCostOf } from './cost.ts'
import { GrowingPrompt } from './prompt-body.ts'
import type { DayRecord, ModelRecord } from './record.ts'
import { faultOf, pauseBefore, type Session, sessionOf } from './traffic.ts'
import type { DayVendor } from './vendor.ts'

export interface AgentsOptions {
  readonly day: DayVendor
  readonly records: DayRecord
  readonly limits: Limits
  readonly handler: Handler
  readonly clock: Clock
  readonly seed: number
  readonly endAt: number
  /** The hour of the day at which it begins. */
  readonly startHour: number
  /** How long an agent does nothing between two conversations at the busiest hour, on average, in milliseconds. */
  readonly pauseMs: number
  /** Where a conversation ends at the latest, in tokens. */
  readonly largestPrompt: number
}

const hour = 3_600_000
const reader = { write: () => true, end() {}, fail() {} }

/** One agent's day: conversations with pauses between them. */
export async function runAgent(agent: number, options: AgentsOptions): Promise<void> {
  const { clock, seed, endAt, startHour } = options
  for (let session = 0; clock.now() < endAt; session++) {
    const at = (startHour + clock.now() / hour) % 24
    await sleep(clock, pauseBefore(seed, agent, session, at, options.pauseMs))
    await runSession(agent, session, sessionOf(seed, agent, session, options.largestPrompt), options)
  }
}

async function runSession(
  agent: number,
  number: number,
  session: Session,
  options: AgentsOptions,
): Promise<void> {
  const { clock, endAt } = options
  const name = `${agent}-${number}`
  const prompt = new GrowingPrompt(session, name, 32_000)
  for (const [turn, { thinkMs, newTokens, hasImage, outputTokens }] of session.turns.entries()) {
    await sleep(clock, thinkMs)
    if (clock.now() >= endAt) return
    prompt.add(newTokens, hasImage)
    const answer = {
      promptTokens: prompt.tokens,
      conversation: name,
      outputTokens,
      // New tokens are read at some 20,000 a second.
      firstTokenMs: 600 + newTokens / 20,
    }
    await countTokens(prompt, answer, session.model, options)
    const seedOf = new Dice(options.seed, agent, number, turn).int(2 ** 30)
    await makeCall(prompt, answer, session.model, seedOf, options)
  }
}

/** Asks for the size of the prompt first, as Claude Code does; what is refused is left. */
async function countTokens(
  prompt: GrowingPrompt,
  answer: SimulatedAnswer,
  model: string,
  options: AgentsOptions,
): Promise<void> {
  const record = options.records.get(model) as ModelRecord
  record.counts++
  const { response } = await send('count_tokens', prompt.body(), answer, model, options)
  if (response.failure?.kind === 'saturated') record.countsRefused++
  else if (response.status === 429) record.countsLimited++
}

/** Makes a call until it is answered: a refusal is waited for as it says, a failure for seconds. */
async function makeCall(
  prompt: GrowingPrompt,
  answer: SimulatedAnswer,
  model: string,
  seed: number,
  options: AgentsOptions,
): Promise<void> {
  const { clock, day, limits, endAt } = options
  const record = options.records.get(model) as ModelRecord
  const madeAt = clock.now()
  for (let failures = 0; clock.now() < endAt; ) {
    const fault = faultOf(seed, failures)
    const body = prompt.body()
    const { response, admittedAt } = await send(
      'generate',
      body,
      fault ? { ...answer, fault } : answer,
      model,
      options,
    )
    const { failure } = response
    if (failure === undefined) {
      record.answered++
      record.waits.push((admittedAt ?? clock.now()) - madeAt)
      return
    }
    if (failure.origin === 'spillway') {
      record.refused++
      const truth = { inputTokens: 0, outputTokens: 0 }
      const fits = (each: JsonBody): boolean => {
        const cost = plannedCostOf(day, createRequestOf('generate', each, model, options))
        truth.inputTokens += cost.inputTokens
        truth.outputTokens += day.answers.get(each)?.outputTokens ?? 0
        const all = { ...cost, inputTokens: truth.inputTokens }
        const { inputTokens, outputTokens } = truth
        return (
          day.limits.check(all) === undefined &&
          record.hadOwnCapacity(inputTokens, outputTokens, limits, clock.now())
        )
      }
      if (fits(body)) {
        record.refusedPassable++
        if ([...record.waiting].every(fits)) record.wronglyRefused++
      }
    } else {
      failures++
      if (fault !== undefined) record.faults++
      else if (response.status === 429) record.limited++
    }
    const wait = failure.retryAfterMs ?? Math.min(8_000, 500 * 2 ** failures)
    await sleep(clock, Math.max(100, wait))
  }
}

interface Sent {
  readonly response: ModelResponse
  readonly outcome: Outcome
  /** When it went to the vendor; undefined where it never did. */
  readonly admittedAt: number | undefined
}

/** When requests went to the vendor, by body. */
export const admissions = new WeakMap<JsonBody, number>()

async function send(
  operation: Operation,
  body: JsonBody,
  answer: SimulatedAnswer,
  model: string,
  options: AgentsOptions,
): Promise<Sent> {
  options.day.answers.set(body, answer)
  const waiting = operation === 'generate' ? options.records.get(model)?.waiting : undefined
  waiting?.add(body)
  const response = await options.handler(createRequestOf(operation, body, model, options))
  waiting?.delete(body)
  response.body.pipe(reader)
  const outcome = await response.outcome
  return { response, outcome, admittedAt: admissions.get(body) }
}

function createRequestOf(
  operation: Operation,
  body: JsonBody,
  model: string,
  { clock }: AgentsOptions,
): ReturnType<typeof createRequest> {
  const isCount = operation === 'count_tokens'
  const url = isCount ? '/v1/messages/count_tokens' : '/v1/messages'
  return createRequest({
    ...{ api: 'anthropic', operation, model, stream: !isCount, url, body, clock },
    // What waits too long is refused by the limiter, after its default.
    deadline: noDeadline,
  })
}
