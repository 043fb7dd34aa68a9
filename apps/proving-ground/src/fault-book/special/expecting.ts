import { limits, slack } from '../limits.ts'
import type { Expectation, Row } from '../row.ts'
import { type Shape, shapeName } from '../shape.ts'

/** What a row is apart from its name and shape. */
export type RowFacts = Omit<Row, 'id' | 'group' | 'fault' | 'scenario' | 'shape' | 'faults' | 'expected'> &
  Partial<Pick<Row, 'faults'>>

/** Makes a row that follows no rule. */
export function specialRow(
  group: string,
  fault: string,
  scenario: string,
  shape: Shape,
  facts: RowFacts,
  expected: Partial<Expectation>,
): Row {
  return {
    id: `${fault} · ${scenario} · ${shapeName(shape)}`,
    group,
    fault,
    scenario,
    shape,
    faults: [],
    ...facts,
    expected: { ...plainAnswer, ...expected },
  }
}

/** An answer of the first target at the first attempt. */
export const plainAnswer: Expectation = {
  caller: 'answer',
  by: 'first',
  status: 200,
  statusPasses: true,
  bytes: true,
  attempts: [1, 0],
  within: limits.total + slack,
}
