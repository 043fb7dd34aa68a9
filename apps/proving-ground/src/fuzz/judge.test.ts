import { describe, expect, it } from 'vitest'
import type { Exchange } from './client.ts'
import type { FuzzAnswer, FuzzCase } from './fuzz-case.ts'
import { judge } from './judge.ts'
import { bodyMarker, keyMarker } from './markers.ts'
import { HttpReader } from './read-http.ts'

const request: FuzzCase['request'] = {
  kind: 'body: valid',
  steps: [],
  isShared: true,
  answers: 1,
  isHead: false,
  api: 'anthropic',
  stream: false,
}
const send = (text: string): FuzzAnswer['steps'] => [{ do: 'send', bytes: Buffer.from(text) }]
const valid: FuzzAnswer = { kind: 'valid', isValid: true, steps: send('HTTP/1.1 200 OK\r\n\r\n{}') }
const failed: FuzzAnswer = { kind: 'status', isValid: false, steps: send('HTTP/1.1 500 x\r\n\r\n<html>') }

function problems(
  text: string,
  answers: readonly FuzzAnswer[] = [],
  ended: Exchange['ended'] = 'answered',
): string[] {
  const reader = new HttpReader(false)
  reader.push(Buffer.from(text))
  if (ended === 'closed') reader.end()
  const fuzzCase: FuzzCase = { index: 7, request, answer: () => valid }
  const exchange = { answers: reader.answers, problem: reader.problem, ended, ms: 1 }
  return judge(
    fuzzCase,
    exchange,
    answers.map((answer) => ({ target: 'claude', index: 7, api: 'anthropic' as const, answer })),
  )
}

const answer = (status: number, body: string, type = 'application/json'): string =>
  `HTTP/1.1 ${status} x\r\ncontent-type: ${type}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
const error = (message: string): string =>
  JSON.stringify({ type: 'error', error: { type: 'api_error', message } })

const usageChunk = 'data: {"choices":[],"usage":{"prompt_tokens":1}}\n\n'
const chatStream = (usage: string): string =>
  answer(
    200,
    `data: {"choices":[{"finish_reason":"stop"}]}\n\n${usage}data: [DONE]\n\n`,
    'text/event-stream\r\nx-spillway-served-by: claude',
  )
const chatAnswer: FuzzAnswer = { kind: 'valid', isValid: true, steps: send(chatStream(usageChunk)) }

describe('what holds', () => {
  it.each<[string, string, FuzzAnswer[]]>([
    ['an answer', answer(200, '{}'), [valid]],
    ['an error of the upstream, byte for byte', answer(500, '<html>', 'text/html'), [failed]],
    ['an error with a cause', answer(502, error('the upstream answered with nothing')), [failed]],
    ['a limit of the gateway', answer(503, error('the circuit is open')), []],
    [
      'a stream with its last event',
      answer(200, 'event: message_stop\ndata: {}\n\n', 'text/event-stream'),
      [valid],
    ],
    [
      'a stream with an error event',
      answer(200, 'event: error\ndata: {}\n\n', 'text/event-stream'),
      [failed],
    ],
    ['its own marker', answer(200, JSON.stringify(bodyMarker(7))), [valid]],
    ['a chat stream without the usage that the caller did not ask for', chatStream(''), [chatAnswer]],
    ['a chat stream with it', chatStream(usageChunk), [chatAnswer]],
  ])('%s', (_, text, answers) => {
    expect(problems(text, answers)).toEqual([])
  })
})

describe('what does not', () => {
  it.each<[string, string, FuzzAnswer[], string]>([
    ['an error that says nothing', answer(500, error('the gateway failed')), [failed], 'the gateway failed'],
    [
      'an error without a cause',
      answer(502, error('something')),
      [valid],
      'every answer of the upstream was valid',
    ],
    ['an error of no protocol', answer(400, '{}'), [], 'not an error of a protocol'],
    ['JSON that is none', answer(200, '{'), [failed], 'cannot be read'],
    [
      'a stream that just stops',
      answer(200, 'event: ping\ndata: {}\n\n', 'text/event-stream'),
      [valid],
      'without an end',
    ],
    ["another's marker", answer(200, JSON.stringify(bodyMarker(8))), [valid], 'leaks'],
    ['a key', answer(400, error(`wrong key ${keyMarker(7)}`)), [failed], 'leaks'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\ncontent-length: 0\r\n\r\n', [valid], 'not HTTP'],
  ])('%s', (_, text, answers, problem) => {
    expect(problems(text, answers).join()).toContain(problem)
  })

  it('other bytes than those of the upstream', () => {
    const served = (body: string): string =>
      answer(200, body).replace('\r\n', '\r\nx-spillway-served-by: claude\r\n')
    expect(problems(served('{}'), [valid])).toEqual([])
    expect(problems(served('{ }'), [valid]).join()).toContain('not the bytes that claude has sent')
  })

  it('no answer, and half of one', () => {
    expect(problems('', [], 'closed').join()).toContain('closed after 0 of 1 answers')
    expect(problems('', [], 'hang').join()).toContain('no end within the bound')
    expect(problems('HTTP/1.1 200 x\r\ncontent-length: 9\r\n\r\n{', [], 'closed').join()).toContain(
      'breaks off',
    )
  })
})
