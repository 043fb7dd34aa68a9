import type { Draft } from './answer-draft.ts'
import type { Dice } from './dice.ts'
import type { AskedOfUpstream, Step } from './fuzz-case.ts'
import type { AnswerTree } from './valid-answers.ts'

/** What goes wrong with an answer; the steps, where it is not sent as usual. */
export type Change = (
  dice: Dice,
  draft: Draft,
  tree: AnswerTree,
  asked: AskedOfUpstream,
) => readonly Step[] | undefined

/** A change with its name and how often it happens, in parts of about a hundred. */
export type WeightedChange = readonly [weight: number, named: readonly [name: string, change: Change]]
