import { defaultText } from '@spillway/testing'
import type { GatewayAdapter } from './gateways/gateway.ts'
import { judgeAttempts } from './judge-attempts.ts'
import { judgeHeaders } from './judge-headers.ts'
import type { Observation } from './observation.ts'
import { isError, parse, readAnswer } from './read-answer.ts'
import { changedBytes, type Report } from './report.ts'
import type { Row } from './row.ts'
import { secondText } from './upstreams.ts'

/** What is wrong with what came of a row. Own headers and own words of Spillway are not asked of others. */
export function judge(row: Row, observation: Observation, adapter: GatewayAdapter, model: string): string[] {
  const problems: string[] = []
  const report: Report = (holds, problem) => {
    if (!holds) problems.push(problem)
  }
  if (row.expected.caller !== 'nothing') {
    judgeCaller(row, observation, adapter, report)
    judgeHeaders(row, observation, adapter, model, report)
  }
  judgeAttempts(row, observation, report)
  return problems
}

function judgeCaller(row: Row, observation: Observation, adapter: GatewayAdapter, report: Report): void {
  const { expected, shape } = row
  const { seen } = observation
  const { caller, status, statusPasses } = expected
  const answer = readAnswer(shape, seen.text)
  const mustBe = caller === 'error' ? status : 200
  if (adapter.isSpillway || statusPasses) {
    report(seen.status === mustBe, `status ${seen.status || 'none'} instead of ${mustBe}`)
  } else {
    report(seen.status >= 400, `status ${seen.status || 'none'} instead of an error`)
  }
  report(seen.ended === 'end', `the response broke off (${seen.ended})`)
  const { within, firstByteWithin = Infinity } = expected
  report(seen.total <= within, `took ${Math.round(seen.total)} ms, more than ${within}`)
  const first = Math.round(seen.firstByte)
  report(first <= firstByteWithin, `the first byte came after ${first} ms, more than ${firstByteWithin}`)
  switch (caller) {
    case 'answer':
      report(answer.isWhole, 'the answer does not end well')
      report(answer.text === textOf(row), `the text is ${JSON.stringify(answer.text.slice(0, 80))}`)
      break
    case 'restarted':
      judgeRestart(seen.text, shape.api, report)
      report(answer.isWhole, 'the answer does not end well')
      report(answer.text.endsWith(secondText), 'the second target’s text is not whole')
      break
    case 'broken':
      report(answer.hasContent, 'nothing of the answer came')
      report(!answer.isWhole, 'a cut stream has a clean end')
      report(answer.endsWithError, 'a cut stream does not end with an error event')
      break
    case 'event':
      report(!answer.hasContent && !answer.isWhole, 'there is an answer')
      report(answer.endsWithError, 'the stream does not end with an error event')
      break
    case 'error':
      // Where the upstream's own bytes pass, their shape is its own as well.
      if (!expected.bytes) {
        report(isError(shape.api, parse(seen.text)), `no error of the protocol: ${seen.text.slice(0, 80)}`)
      }
  }
  // What the gateway has written itself, it has written well.
  const isOurs = !expected.bytes && row.mode !== 'restart' && !row.isForeign
  if (isOurs && (caller === 'answer' || caller === 'broken')) {
    for (const problem of answer.contradictions ?? []) report(false, problem)
  }
  if (expected.bytes) judgeBytes(row, observation, answer.beforeError, report)
}

function judgeRestart(text: string, api: string, report: Report): void {
  const marker = api === 'anthropic' ? 'event: spillway_restart\n' : ': {"type":"spillway_restart"'
  report(text.includes(marker), 'the restart is not marked')
}

function judgeBytes(
  { expected: { caller, by } }: Row,
  { seen, first, second }: Observation,
  beforeError: string,
  report: Report,
): void {
  const sent = Buffer.from((by === 'first' ? first : second).at(-1)?.sent ?? [])
  if (caller === 'broken') {
    report(sent.toString().startsWith(beforeError), 'what came before the error is not what was sent')
  } else {
    report(seen.bytes.equals(sent), changedBytes)
  }
}

function textOf({ reply, expected, mode }: Row): string {
  if (reply !== undefined) return reply.text ?? ''
  return expected.by === 'second' && mode !== 'continue' ? secondText : defaultText
}
