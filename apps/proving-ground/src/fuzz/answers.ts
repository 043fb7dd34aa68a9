import { bytesOf, draftOf } from './answer-draft.ts'
import { bodyChanges } from './body-changes.ts'
import { connectionChanges } from './connection-changes.ts'
import { type Dice, weights } from './dice.ts'
import type { AskedOfUpstream, FuzzAnswer, Step } from './fuzz-case.ts'
import { limitedChanges, statusChanges } from './status-changes.ts'
import { validAnswer } from './valid-answers.ts'

const usual = weights([...statusChanges, ...bodyChanges, ...connectionChanges])
/** For the one target whose keys may be closed. */
const limited = weights(limitedChanges)

/** What an upstream answers in a case. `marker` is the case's, and is in the text of the answer. */
export function answerOf(dice: Dice, asked: AskedOfUpstream, marker: string): FuzzAnswer {
  const tree = validAnswer(dice, asked, marker)
  const draft = draftOf(tree)
  if (dice.chance(0.04)) draft.framing = dice.pick(['chunked', 'close'])
  if (dice.chance(asked.target === 'limited' ? 0.5 : 0.72))
    return { kind: 'valid', isValid: true, steps: paced(dice, bytesOf(draft)) }
  const [kind, change] = dice.weighted(asked.target === 'limited' ? limited : usual)
  const steps = change(dice, draft, tree, asked)
  return { kind, isValid: kind.startsWith('valid'), steps: steps ?? paced(dice, bytesOf(draft)) }
}

/** Most answers come in one piece; some in many, cut anywhere. */
function paced(dice: Dice, { bytes, closes }: { readonly bytes: Buffer; readonly closes: boolean }): Step[] {
  const steps: Step[] = []
  if (dice.chance(0.92)) steps.push({ do: 'send', bytes })
  else {
    const most = dice.chance(0.1) ? 40 : 5
    const cuts = Array.from({ length: dice.between(1, most) }, () => dice.int(bytes.length)).sort(
      (a, b) => a - b,
    )
    let from = 0
    for (const cut of [...cuts, bytes.length]) {
      if (cut > from) steps.push({ do: 'send', bytes: bytes.subarray(from, cut) })
      if (dice.chance(0.4)) steps.push({ do: 'wait', ms: dice.int(4) })
      from = cut
    }
  }
  if (closes) steps.push({ do: 'end' })
  return steps
}
