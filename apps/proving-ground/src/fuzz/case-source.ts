import { answerOf } from './answers.ts'
import { Dice } from './dice.ts'
import type { AskedOfUpstream, FuzzAnswer, FuzzCase } from './fuzz-case.ts'
import { bodyMarker } from './markers.ts'
import { requestOf } from './requests.ts'

/** What chance is drawn for, so that no draw depends on another. */
const forRequest = 1
const forAnswer = 2

/** The case with this index: the same for the same seed, whenever and however often it is asked for. */
export function caseAt(seed: number, index: number, host: string): FuzzCase {
  return {
    index,
    request: requestOf(new Dice(seed, forRequest, index), index, host),
    answer: (asked) => answerAt(seed, index, asked),
  }
}

/** What an upstream answers; requests whose marker is gone get one answer for all. */
export function answerAt(seed: number, index: number | undefined, asked: AskedOfUpstream): FuzzAnswer {
  const dice = new Dice(seed, forAnswer, index ?? -1, numberOf(asked.target), asked.attempt)
  return answerOf(dice, asked, index === undefined ? 'unknown' : bodyMarker(index))
}

function numberOf(name: string): number {
  let number = 0
  for (let at = 0; at < name.length; at++) number = (Math.imul(number, 31) + name.charCodeAt(at)) | 0
  return number
}
