import { stripVTControlCharacters } from 'node:util'
import type { CallRecord } from '@spillway/middleware/kit'
import { expect, it } from 'vitest'
import type { AnsweredCall } from '../server/handle-call.ts'
import { callLine } from './call-line.ts'

const at = new Date(2026, 0, 2, 3, 4, 5)

const recordOf = (reports: readonly object[], begun = 0): CallRecord =>
  ({ attempts: [], running: 0, reports, begun, fallback: () => ({ reason: 'timeout' }) }) as never

/** The line of a call answered by `local` after `claude` had failed, with changes. */
function lineOf(changes: Partial<AnsweredCall> = {}): string {
  const failure = { kind: 'timeout', message: 'no first content within 1500 ms', origin: 'upstream' }
  const record = recordOf([{ target: 'claude', failure, durationMs: 1500 }], 2)
  const response = { target: 'local', failure: undefined }
  const call = { model: 'claude-opus-5-5', stream: true, waited: 1834, record, response }
  return stripVTControlCharacters(callLine({ ...call, ...changes } as unknown as AnsweredCall, at))
}

it('a line says when, who, why not the first, how long, how many attempts and which model', () => {
  expect(lineOf().split(/ {2,}/)).toEqual([
    '03:04:05',
    'local',
    'timeout',
    '1.8 s',
    '2 attempts',
    'claude-opus-5-5 (stream)',
    'claude: no first content within 1500 ms',
  ])
})

it('a reason that comes several times in a row is told once', () => {
  const failed = (message: string) => ({
    target: 'claude',
    failure: { message, origin: 'upstream' },
    durationMs: 1,
  })
  const record = recordOf(['a', 'a', 'b', 'a'].map(failed))
  expect(lineOf({ record })).toMatch(/ {2}claude: a \(2 times\); claude: b; claude: a$/)
})

it('a reason has the vendor’s code and its id of the request', () => {
  const reasonOf = (failure: object): string | undefined => {
    return lineOf({ record: recordOf([{ target: 'claude', failure, durationMs: 1 }]) })
      .split(/ {2,}/)
      .at(-1)
  }
  const limited = { message: 'slow down', origin: 'upstream', status: 429, code: 'rate_limit_error' }
  expect(reasonOf({ ...limited, requestId: 'req_1' })).toBe('claude: 429 slow down (rate_limit_error, req_1)')
  expect(reasonOf(limited)).toBe('claude: 429 slow down (rate_limit_error)')
  expect(reasonOf({ ...limited, origin: 'spillway' })).toBe('claude: slow down')
})

it('a call that nobody answered says what went wrong', () => {
  const response = { target: 'claude', failure: { kind: 'overloaded' } }
  expect(lineOf({ response } as never)).toMatch(/^03:04:05 {2}nobody +overloaded /)
})

it('a model name cannot write lines or colours into the log', () => {
  const line = lineOf({ model: 'a\r\n03:04:06  claude\u001b[31m\u202e' })
  expect(line).toContain('a\\u{d}\\u{a}03:04:06  claude\\u{1b}[31m\\u{202e}')
  expect(line).not.toMatch(/[\r\n]/)
})
