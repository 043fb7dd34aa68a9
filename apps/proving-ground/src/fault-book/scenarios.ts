import type { Effect, Fails, FaultEntry } from './fault-entry.ts'
import { attempts, limits, slack } from './limits.ts'
import type { Expectation, Row } from './row.ts'
import { isPatient, type Shape, shapeName, shapes } from './shape.ts'

const total = limits.total + slack

/** The rules by which combinations are left out, in words. */
export const scenarioRules: readonly string[] = [
  'A failure that asking again cannot cure has no rows in which a later attempt succeeds.',
  'A stream that fails after its first content is never begun again, so it has no such rows either.',
  'A timeout of a target of `api: openai`, which may be a local server that works on, is not repeated: so it is with Responses.',
  'What is late and yet an answer has no such rows: there is no second attempt.',
  'The row with two failed attempts is there once for each kind of failure.',
]

/** All rows of one fault: each shape, alone and with a second target, on one attempt, on two and on all. */
export function rowsOf(entry: FaultEntry): Row[] {
  return (entry.shapes ?? shapes).flatMap((shape) => {
    const effect = effectIn(entry, shape)
    return effect.does === 'nothing' ? [] : scenariosOf(entry, shape, effect)
  })
}

/** The rules by which shapes of a fault are left out. */
export function rulesOf(entry: FaultEntry): string[] {
  return (entry.shapes ?? shapes)
    .map((shape) => effectIn(entry, shape))
    .flatMap((effect) => (effect.does === 'nothing' ? [effect.rule] : []))
}

function effectIn({ effect }: FaultEntry, shape: Shape): Effect {
  return typeof effect === 'function' ? effect(shape) : effect
}

function scenariosOf(entry: FaultEntry, shape: Shape, effect: Exclude<Effect, { does: 'nothing' }>): Row[] {
  const { fault, onlyAlways } = entry
  const always = fault === 'stop' ? {} : { always: fault }
  const stopped = fault === 'stop' ? { stopped: true } : {}
  const row = (scenario: string, expected: Expectation, more: Partial<Row>): Row => ({
    id: `${entry.name} · ${scenario} · ${shapeName(shape)}`,
    group: entry.group,
    fault: entry.name,
    scenario,
    shape,
    complaint: entry.complaint,
    faults: [],
    attemptLimit: entry.attemptLimit,
    ...stopped,
    ...more,
    // What is translated has other bytes.
    expected: shape.at === undefined ? expected : { ...expected, bytes: false },
  })
  const isRepeated = effect.does === 'fail' && effect.retry === 'yes' && !(effect.timeout && isPatient(shape))
  const alone = row('always', aloneExpected(effect, fault === 'stop', isRepeated), always)
  if (onlyAlways) return [alone]
  const rows = [
    alone,
    row('with a fallback', fallbackExpected(effect, fault === 'stop'), { ...always, fallback: {} }),
  ]
  if (isRepeated && fault !== 'stop') {
    rows.push(row('once', answered(2, effect), { faults: [fault] }))
    if (entry.twice) rows.push(row('twice', answered(3, effect), { faults: [fault, fault] }))
  }
  return rows
}

/** An answer of the first target, after so many attempts. */
function answered(attempts: number, { closedAfter }: { readonly closedAfter?: number } = {}): Expectation {
  return {
    caller: 'answer',
    by: 'first',
    status: 200,
    statusPasses: true,
    bytes: true,
    attempts: [attempts, 0],
    within: total,
    closedAfter,
  }
}

function aloneExpected(
  effect: Exclude<Effect, { does: 'nothing' }>,
  stopped: boolean,
  isRepeated = false,
): Expectation {
  if (effect.does === 'answer') return answered(1)
  if (effect.does === 'break') {
    return { ...answered(1, effect), caller: 'broken' }
  }
  return { ...errorExpected(effect), attempts: [stopped ? 0 : isRepeated ? attempts : 1, 0] }
}

function fallbackExpected(effect: Exclude<Effect, { does: 'nothing' }>, stopped: boolean): Expectation {
  if (effect.does !== 'fail') return aloneExpected(effect, stopped)
  if (effect.callerError) return { ...errorExpected(effect), attempts: [1, 0] }
  const made = effect.retry === 'yes' && !effect.timeout ? attempts : 1
  return {
    ...answered(1, effect),
    by: 'second',
    attempts: [stopped ? 0 : made, 1],
    // The fallback's own answer takes next to no time.
    within: effect.retry === 'deadline' ? limits.total - limits.reserve + slack : (effect.within ?? total),
  }
}

function errorExpected({
  status,
  passes = false,
  closedAfter,
  within,
}: Fails): Omit<Expectation, 'attempts'> {
  return {
    caller: 'error',
    by: 'first',
    status,
    statusPasses: passes,
    bytes: passes,
    within: within ?? total,
    closedAfter,
  }
}
