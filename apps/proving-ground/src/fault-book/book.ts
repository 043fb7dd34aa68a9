import type { FaultEntry } from './fault-entry.ts'
import { brokenConnections } from './faults/broken-connections.ts'
import { errorsIn200 } from './faults/errors-in-200.ts'
import { falseEnds, filteredIn200 } from './faults/false-ends.ts'
import { malformedAnswers } from './faults/malformed-answers.ts'
import { errorsOfOneRequest, money } from './faults/money.ts'
import { otherShapes, redirects } from './faults/other-shapes.ts'
import { responsesEnds } from './faults/responses-streams.ts'
import { responsesErrors } from './faults/responses-words.ts'
import { slowAnswers, stall } from './faults/slow-answers.ts'
import { statusFaults } from './faults/statuses.ts'
import type { Row } from './row.ts'
import { rowsOf, rulesOf, scenarioRules } from './scenarios.ts'
import { responsesElsewhere } from './shape.ts'
import { formlessAnswers, formRows } from './special/form-rows.ts'
import { leavingRows } from './special/leaving-rows.ts'
import { midStreamRows } from './special/mid-stream-rows.ts'
import { passThroughRows } from './special/pass-through-rows.ts'
import { responsesRows } from './special/responses-rows.ts'
import { sequenceRows } from './special/sequence-rows.ts'
import { slowAndWellRows } from './special/slow-and-well-rows.ts'

/** The faults that rows are made of by rule. */
export const faultEntries: readonly FaultEntry[] = [
  ...statusFaults,
  ...money,
  ...errorsOfOneRequest,
  ...otherShapes,
  ...redirects,
  ...errorsIn200,
  filteredIn200,
  ...brokenConnections,
  ...falseEnds,
  ...malformedAnswers,
  ...formlessAnswers,
  ...slowAnswers,
  ...responsesErrors,
  ...responsesEnds,
]

/** What breaks in the middle, or inside a 200, where callers of Responses have upstreams of another protocol. */
const translated: readonly FaultEntry[] = [
  ...errorsIn200,
  ...brokenConnections,
  ...malformedAnswers,
  stall,
].map((entry) => ({
  ...entry,
  shapes: responsesElsewhere,
}))

/** The whole book. */
export const book: readonly Row[] = [
  ...[...faultEntries, ...translated].flatMap(rowsOf),
  ...formRows,
  ...sequenceRows,
  ...leavingRows,
  ...passThroughRows,
  ...responsesRows,
  ...midStreamRows,
  ...slowAndWellRows,
]

/** Why some combinations of fault, shape and scenario are not in the book. */
export const rules: readonly string[] = [
  ...new Set([
    ...scenarioRules,
    ...faultEntries.flatMap(rulesOf),
    'Leaving before the first token is possible only in a stream.',
    'Taking over and keep-alives are matters of streams.',
    'The field `fallbacks` is Anthropic’s.',
  ]),
]

/** Rows whose id contains the text. */
export function findRows(filter: string): Row[] {
  return book.filter(({ id, group, complaint = '' }) => `${group} ${id} ${complaint}`.includes(filter))
}
