import { attempt, type Target, type Transport, target } from '@spillway/attempt'
import type { ModelRequest } from '@spillway/middleware'

/** How a scripted upstream answers, in clock time. */
export interface Script {
  /** What it says. @default 'The dam is full.' */
  readonly text?: string
  /** Milliseconds before the headers and the first content; Infinity: never. @default 0 */
  readonly firstMs?: number
  /** Milliseconds from there to the end. @default 0 */
  readonly restMs?: number
  /** @default 200 */
  readonly status?: number
  /** Breaks the connection instead of ending well. */
  readonly breaks?: boolean
  /** The body, in place of an answer in the caller's protocol. */
  readonly body?: string
}

/** An upstream that keeps what it was asked and whether it was aborted. */
export interface ScriptedUpstream extends Target {
  readonly asked: readonly ModelRequest[]
  /** How many calls are in flight. */
  readonly open: number
  readonly aborted: number
}

const event = (name: string, data: object): string =>
  `event: ${name}\ndata: ${JSON.stringify({ type: name, ...data })}\n\n`

export function scripted(
  name: string,
  script: Script | ((request: ModelRequest) => Script) = {},
): ScriptedUpstream {
  const asked: ModelRequest[] = []
  let open = 0
  let aborted = 0
  const transport: Transport = (request, sink) => {
    const {
      text = 'The dam is full.',
      firstMs = 0,
      restMs = 0,
      status = 200,
      breaks = false,
      body,
    } = typeof script === 'function' ? script(request) : script
    asked.push(request)
    open++
    let isOpen = true
    const leave = (): void => {
      if (isOpen) open--
      isOpen = false
    }
    const isStream = request.stream && status === 200 && body === undefined
    const { begin, rest } = isStream ? streamed(text) : { begin: '', rest: body ?? whole(text, status) }
    let cancel = request.clock.setTimer(firstMs, () => {
      sink.headers(status, { 'content-type': isStream ? 'text/event-stream' : 'application/json' })
      if (begin !== '') sink.data(Buffer.from(begin))
      if (!isOpen) return
      cancel = request.clock.setTimer(restMs, () => {
        leave()
        if (breaks) return sink.error(new Error('reset'))
        sink.data(Buffer.from(rest))
        sink.end()
      })
    })
    return {
      pause: () => {},
      resume: () => {},
      abort: () => {
        leave()
        aborted++
        cancel()
      },
    }
  }
  return {
    ...target(name, attempt(transport)),
    asked,
    get open() {
      return open
    },
    get aborted() {
      return aborted
    },
  }
}

function whole(text: string, status: number): string {
  if (status !== 200) return JSON.stringify({ type: 'error', error: { type: 'api_error', message: 'No' } })
  return JSON.stringify({
    type: 'message',
    model: 'claude-sonnet-5-5',
    content: [{ type: 'text', text }],
    stop_reason: 'end_turn',
    usage: { input_tokens: 10, output_tokens: 4 },
  })
}

function streamed(text: string): { begin: string; rest: string } {
  const half = Math.ceil(text.length / 2)
  const delta = (piece: string): string =>
    event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: piece } })
  return {
    begin:
      event('message_start', {
        message: { id: 'msg_1', model: 'claude-sonnet-5-5', usage: { input_tokens: 10, output_tokens: 1 } },
      }) +
      event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }) +
      delta(text.slice(0, half)),
    rest:
      delta(text.slice(half)) +
      event('content_block_stop', { index: 0 }) +
      event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 4 } }) +
      event('message_stop', {}),
  }
}
