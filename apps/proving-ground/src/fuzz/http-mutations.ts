import { type Dice, weights } from './dice.ts'
import { framingShapes } from './framing-shapes.ts'
import type { FuzzRequest } from './fuzz-case.ts'
import { headShapes } from './head-shapes.ts'
import { plain, send } from './http-text.ts'
import type { CallText } from './requests.ts'

/** How long a client waits for an answer to something that may not be a whole request, in milliseconds. */
const patience = 120

const shapes = weights([...framingShapes, ...headShapes])

/** Puts a call into HTTP: as it should be on a shared connection, or in an odd shape on one of its own. */
export function httpRequest(dice: Dice, call: CallText, host: string, isOdd: boolean): FuzzRequest {
  const usual = { isShared: false, answers: 1, isHead: false, api: call.api, stream: call.stream } as const
  if (!isOdd) {
    const kind = `body: ${call.kind}`
    return { ...usual, kind, isShared: true, steps: [send(plain(call, host))] }
  }
  const [name, shape] = dice.weighted(shapes)
  const shaped = shape(dice, call, host)
  const isSure = 'answers' in shaped ? shaped.answers !== undefined : false
  return {
    ...usual,
    answers: undefined,
    ...(isSure ? {} : { leavesAfter: patience }),
    ...shaped,
    kind: `http: ${name}`,
  }
}
