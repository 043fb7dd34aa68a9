import { type Effect, type FaultEntry, permanent, transient } from '../fault-entry.ts'
import { othersAtResponses, type Shape, shapes } from '../shape.ts'
import { numbered, response, responseBegins } from '../wire-bodies.ts'

const group = 'Responses: its own words for errors'

const native = shapes.filter(({ api }) => api === 'responses')

/** Callers who have the events themselves, and callers of other protocols behind a translation. */
export const streamsOfResponses: readonly Shape[] = [...native, ...othersAtResponses].filter(
  ({ body }) => body === 'sse',
)

export const wholeResponses: readonly Shape[] = [...native, ...othersAtResponses].filter(
  ({ body }) => body === 'json',
)

/** A stream of Responses, byte for byte. */
export function streamed(name: string, body: string, effect: Effect, complaint?: string): FaultEntry {
  const fault = { type: 'status', status: 200, contentType: 'text/event-stream', body } as const
  return { name, group, fault, effect, shapes: streamsOfResponses, ...(complaint && { complaint }) }
}

const began = numbered(...responseBegins)
const errorData = (code: string, message = 'No.'): object => ({ code, message, param: null })

/** A response that has failed, as the last event of a stream. */
function failed(error: object | null, more: object = {}): string {
  const event = {
    type: 'response.failed',
    response: { ...response, status: 'failed', output: [], usage: null, error },
    ...more,
  }
  return numbered(...responseBegins, event)
}

const codes: readonly (readonly [code: string, effect: Effect, message?: string])[] = [
  ['server_error', transient(502)],
  ['rate_limit_exceeded', transient(429), 'Rate limit reached for gpt-5.5. Please try again in 300ms.'],
  ['insufficient_quota', permanent(402), 'You exceeded your current quota, please check your plan.'],
  ['context_length_exceeded', permanent(400, { callerError: true }), 'Your input exceeds the window.'],
  ['invalid_prompt', permanent(400, { callerError: true }), 'Invalid prompt.'],
  ['server_is_overloaded', transient(529), 'Our servers are currently overloaded.'],
  ['slow_down', transient(529), 'Slow down.'],
  ['usage_not_included', permanent(402), 'Your plan does not include this.'],
]

/** Errors before any content: each of them in the event that the SDK throws at, and in the one that Codex waits for. */
export const responsesErrors: readonly FaultEntry[] = [
  ...codes.flatMap(([code, effect, message]) => [
    streamed(`response.failed: ${code}`, failed({ code, message: message ?? 'No.' }), effect),
    streamed(
      `an error event: ${code}`,
      began +
        `event: error\ndata: ${JSON.stringify({ type: 'error', sequence_number: 2, ...errorData(code, message) })}\n\n`,
      effect,
    ),
  ]),
  streamed('response.failed without an error', failed(null), transient(502)),
  streamed(
    'response.failed whose error is beside the response',
    failed(null, { error: { message: 'No.', type: 'server_error', code: 'rate_limit_exceeded' } }),
    transient(429),
    'openai/codex#24973',
  ),
  streamed(
    'an error within the error event, then response.failed',
    `${began}event: error\ndata: ${JSON.stringify({ type: 'error', error: errorData('rate_limit_exceeded') })}\n\n`,
    transient(429),
    'vercel/ai#12329',
  ),
  streamed(
    'an error as chat completions have it, then [DONE]',
    `${began}data: ${JSON.stringify({ error: { message: 'No.', type: 'BadRequestError', code: 400 } })}\n\ndata: [DONE]\n\n`,
    permanent(400, { callerError: true }),
    'BerriAI/litellm#40243',
  ),
  streamed(
    'a flat error, as vLLM has it',
    `${began}data: ${JSON.stringify({ object: 'error', message: 'No.', type: 'InternalServerError', code: 500 })}\n\n`,
    transient(502),
  ),
  streamed('a detail, as FastAPI has it', `${began}data: {"detail":"No."}\n\n`, transient(502)),
  streamed(
    'a status of cancelled at the end',
    numbered(...responseBegins, {
      type: 'response.completed',
      ...{ response: { ...response, status: 'cancelled', output: [] } },
    }),
    transient(502),
  ),
  ...[
    ['failed, server_error', { error: errorData('server_error') }, transient(502)],
    ['failed, insufficient_quota', { error: errorData('insufficient_quota') }, permanent(402)],
    ['failed, without an error', {}, transient(502)],
    ['cancelled', {}, transient(502)],
  ].map(([name, more, effect]): FaultEntry => {
    const status = (name as string).split(',')[0]
    const body = JSON.stringify({ ...response, status, output: [], usage: null, ...(more as object) })
    return {
      name: `a whole response that has ${name}`,
      group,
      fault: { type: 'status', status: 200, body },
      effect: effect as Effect,
      shapes: wholeResponses,
    }
  }),
  {
    name: 'a whole answer with a detail alone',
    group,
    fault: { type: 'status', status: 200, body: '{"detail":"Unsupported parameter: metadata"}' },
    effect: transient(502),
    shapes: wholeResponses,
  },
  {
    name: 'a whole response without its output',
    group,
    fault: { type: 'status', status: 200, body: JSON.stringify({ ...response, output: undefined }) },
    effect: transient(502),
    shapes: wholeResponses,
  },
]
