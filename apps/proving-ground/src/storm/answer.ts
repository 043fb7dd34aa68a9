const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** What every answer says: which call it is for, so that the caller can tell one that is not its own. */
export function answerText(call: string | number): string {
  return `This is the answer to call ${call}.`
}

/** The whole body of an answer that is not streamed. */
export function jsonAnswer(call: string, model: string): Uint8Array {
  return encoder.encode(
    JSON.stringify({
      ...message(call, model),
      content: [{ type: 'text', text: answerText(call) }],
      stop_reason: 'end_turn',
      usage: { input_tokens: 12, output_tokens: 9 },
    }),
  )
}

/** The chunks of a stream: what comes with the headers, then the deltas, the last with the end. */
export function streamedAnswer(call: string, model: string): { opening: Uint8Array; deltas: Uint8Array[] } {
  const opening =
    event('message_start', {
      message: { ...message(call, model), content: [], usage: { input_tokens: 12, output_tokens: 1 } },
    }) +
    event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }) +
    event('ping', {})
  const closing =
    event('content_block_stop', { index: 0 }) +
    event('message_delta', {
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      usage: { output_tokens: 9 },
    }) +
    event('message_stop', {})
  const text = answerText(call)
  const half = text.length >> 1
  const delta = (part: string): string =>
    event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: part } })
  const deltas = [delta(text.slice(0, half)), delta(text.slice(half)) + closing]
  return { opening: encoder.encode(opening), deltas: deltas.map((each) => encoder.encode(each)) }
}

/** The body of an error. */
export function errorAnswer(type: string): Uint8Array {
  return encoder.encode(JSON.stringify({ type: 'error', error: { type, message: type } }))
}

/** The calls that a body answers, one for each answer in it; empty when it is not one whole message. */
export function callsAnswered(body: Uint8Array, stream: boolean): number[] {
  const raw = decoder.decode(body)
  const text = stream ? streamedText(raw) : wholeText(raw)
  return [...text.matchAll(/answer to call (\d+)\./g)].map((match) => Number(match[1]))
}

interface Event {
  readonly type: string
  readonly delta?: { readonly text?: string }
}

function streamedText(raw: string): string {
  const events = raw
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => JSON.parse(line.slice(6)) as Event)
  if (events.at(-1)?.type !== 'message_stop') return ''
  return events.map(({ delta }) => delta?.text ?? '').join('')
}

function wholeText(raw: string): string {
  const { content = [] } = JSON.parse(raw) as { content?: readonly { text?: string }[] }
  return content.map(({ text }) => text ?? '').join('')
}

function message(call: string, model: string): object {
  return { id: `msg_${call}`, type: 'message', role: 'assistant', model, stop_sequence: null }
}

function event(type: string, data: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`
}
