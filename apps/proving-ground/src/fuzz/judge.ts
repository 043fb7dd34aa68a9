import type { Exchange } from './client.ts'
import { speaks } from './config.ts'
import type { FuzzCase } from './fuzz-case.ts'
import { leaksIn } from './markers.ts'
import type { HttpAnswer } from './read-http.ts'
import type { Received } from './upstream.ts'

/** What the gateway may say of its own doing, whatever the upstream did. */
const ownReasons =
  /circuit|limit|saturated|in time|timed? ?out|no answer|within|budget|overload|capacity|in flight/i

/** What is wrong with how a case ended; nothing for a case that holds. */
export function judge(
  { index, request }: FuzzCase,
  exchange: Exchange,
  received: readonly Received[],
): string[] {
  const { answers, problem, ended } = exchange
  const problems: string[] = []
  if (problem !== undefined) problems.push(`not HTTP: ${problem}`)
  if (ended === 'hang') problems.push(`no end within the bound: ${answers.length} answers`)
  if (ended === 'closed' && request.answers !== undefined && request.leavesAfterAnswer === undefined) {
    const closes = answers.some(({ headers }) => headers.get('connection')?.[0]?.toLowerCase() === 'close')
    if (answers.length < request.answers && !closes)
      problems.push(`closed after ${answers.length} of ${request.answers} answers`)
  }
  for (const answer of answers) problems.push(...judgeAnswer(answer, index, request, ended, received))
  return problems
}

function judgeAnswer(
  answer: HttpAnswer,
  index: number,
  request: FuzzCase['request'],
  ended: Exchange['ended'],
  received: readonly Received[],
): string[] {
  const problems: string[] = []
  const { status, headers, body, isWhole, head } = answer
  const leaks = [...leaksIn(Buffer.from(head, 'latin1'), index), ...leaksIn(body, index)]
  if (leaks.length > 0) problems.push(`leaks ${leaks.join(', ')}`)
  const type = headers.get('content-type')?.[0] ?? ''
  const isStream = type.startsWith('text/event-stream')
  if (!isWhole && ended !== 'left' && request.leavesAfterAnswer === undefined)
    problems.push(`an answer of status ${status} breaks off${isStream ? ', without an error event' : ''}`)
  if (!isWhole || request.isHead) return problems
  const upstreamsOwn = received.some(({ answer }) => saysIt(answer.steps, body))
  if (body.includes('the gateway failed')) problems.push('the gateway failed')
  if (isStream && status === 200 && request.api !== undefined && !endsWell(body))
    problems.push('a stream ends without an end')
  const servedBy = headers.get('x-spillway-served-by')?.[0]
  if (
    status === 200 &&
    servedBy !== undefined &&
    !upstreamsOwn &&
    isUntranslated(servedBy, request, received)
  )
    problems.push(`not the bytes that ${servedBy} has sent`)
  if (!isStream && type.startsWith('application/json') && !upstreamsOwn) {
    const json = parse(body)
    if (json === undefined) problems.push(`status ${status}: its JSON cannot be read`)
    else if (status >= 400 && request.api !== undefined && !isError(json))
      problems.push(`status ${status}: not an error of a protocol`)
  }
  if (status >= 500 && request.api !== undefined && !upstreamsOwn) {
    const message = messageOf(parse(body))
    if (message === undefined || message === '') problems.push(`status ${status} without a message`)
    else if (
      received.length > 0 &&
      received.every(({ answer }) => answer.isValid) &&
      !ownReasons.test(message)
    )
      problems.push(
        `status ${status} though every answer of the upstream was valid: ${message.slice(0, 200)}`,
      )
  }
  return problems
}

/**
 * Whether who answered was asked in the caller's protocol, which it speaks, and its last answer was as it should be. Ollama is
 * asked in chat for what its Messages endpoint passes over.
 */
function isUntranslated(
  servedBy: string,
  { api }: FuzzCase['request'],
  received: readonly Received[],
): boolean {
  const last = received.findLast(({ target }) => target === servedBy)
  return last?.answer.isValid === true && last.api === api && speaks[servedBy]?.includes(api) === true
}

/** Whether an upstream has sent this body, which may then be whatever it is. */
function saysIt(steps: FuzzAnswerSteps, body: Buffer): boolean {
  if (body.length === 0) return true
  const sent = Buffer.concat(steps.flatMap((step) => (step.do === 'send' ? [step.bytes] : [])))
  return (
    sent.includes(body) || Buffer.from(withoutUsageChunk(sent.toString('latin1')), 'latin1').includes(body)
  )
}

/** The gateway asks for the usage of chat streams, and keeps the chunk with it from callers who did not. */
function withoutUsageChunk(stream: string): string {
  return stream.replace(/^data: \{[^\n]*"choices":\[\],"usage":\{[^\n]*\n\n/gm, '')
}

type FuzzAnswerSteps = Received['answer']['steps']

/** A chat stream is complete with its reason to finish: not every server says `[DONE]`. */
const streamEnds = ['message_stop', '[DONE]', 'event: error', '"error"', '"finish_reason":"'].map((text) =>
  Buffer.from(text),
)

function endsWell(body: Buffer): boolean {
  return streamEnds.some((end) => body.includes(end))
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    return undefined
  }
}

function isError(json: unknown): boolean {
  return typeof json === 'object' && json !== null && 'error' in json
}

function messageOf(json: unknown): string | undefined {
  const error = (json as { error?: unknown } | undefined)?.error
  if (typeof error === 'string') return error
  const message = (error as { message?: unknown } | undefined)?.message
  return typeof message === 'string' ? message : undefined
}
