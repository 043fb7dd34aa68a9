import { parseBounded } from '../bounded-json.ts'
import { ScannedEvent, type SseEvent } from '../sse-event.ts'
import { stringField } from '../usage.ts'
import { type Frame, type FrameProblem, FrameScanner } from './frame-scanner.ts'

/** What a stream of the Bedrock runtime holds besides events. */
export interface FrameListener {
  /** An event of the model's protocol, as one of a `text/event-stream` would be; valid only during the call. */
  event(event: SseEvent): void
  /** The stream ends here with an exception: its name, such as `throttlingException`, and its JSON. */
  exception(name: string, data: string, place: { readonly start: number; readonly end: number }): void
  /** The bytes from here on make no sense. */
  broken(problem: string, start: number): void
}

const dataField = Buffer.from('data:')
const eventField = Buffer.from('event:')

/** `{"type":"content_block_delta",…`: Anthropic writes the type first. */
const typeAtStart = /^\{\s*"type"\s*:\s*"([a-z_]{1,64})"/

/**
 * Finds the events in the frames of the Bedrock runtime: each frame of type `chunk` holds the JSON of one event in base64.
 * Frames of other types are passed on and not read.
 */
export class BedrockScanner {
  readonly #listener: FrameListener
  readonly #frames: FrameScanner
  readonly #event = new ScannedEvent()

  constructor(listener: FrameListener) {
    this.#listener = listener
    this.#frames = new FrameScanner((frame) => this.#read(frame))
  }

  push(chunk: Uint8Array): Uint8Array {
    return this.#frames.push(chunk)
  }

  /** Half a frame is of no use to anyone. */
  rest(): Uint8Array {
    return this.#frames.rest()
  }

  #read(frame: Frame | FrameProblem): void {
    if ('problem' in frame) return this.#listener.broken(frame.problem, frame.start)
    const { headers, payload, start, end } = frame
    const type = headers.get(':message-type')
    if (type === 'exception' || type === 'error') {
      const name = headers.get(type === 'error' ? ':error-code' : ':exception-type') ?? 'unknown'
      const message = headers.get(':error-message')
      const data = type === 'error' && message !== undefined ? JSON.stringify({ message }) : textOf(payload)
      return this.#listener.exception(name, data, { start, end })
    }
    if (headers.get(':event-type') !== 'chunk') return
    const bytes = encodedEvent(payload) ?? stringField(parseBounded(payload), 'bytes')
    if (bytes === undefined) return this.#listener.broken('a chunk of the stream has no bytes', start)
    this.#say(Buffer.from(bytes, 'base64'), start, end)
  }

  /** The event as the reader of the protocol knows it, without writing it as text and reading that again. */
  #say(json: Buffer, start: number, end: number): void {
    const name = typeAtStart.exec(json.toString('latin1', 0, 96))?.[1] ?? typeOf(json)
    // Gateways keep a stream alive with chunks that have no type, and clients pass over them.
    if (name === undefined) return
    if (name === '') return this.#listener.broken('a chunk of the stream is not JSON', start)
    const event = this.#event
    const bytes = Buffer.concat([eventField, Buffer.from(name), dataField, json])
    const dataAt = eventField.length + Buffer.byteLength(name)
    event.reset()
    event.bytes = bytes
    event.readLine(0, dataAt)
    event.readLine(dataAt, bytes.length)
    event.start = start
    event.end = end
    this.#listener.event(event)
  }
}

const bytesField = Buffer.from('{"bytes":"')
const QUOTE = 0x22

/** The base64 of an event where it comes first, as AWS writes it: nothing has to be parsed then. */
function encodedEvent(payload: Uint8Array): string | undefined {
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
  const start = bytesField.length
  if (!text.subarray(0, start).equals(bytesField)) return undefined
  const end = text.indexOf(QUOTE, start)
  return end < 0 ? undefined : text.toString('latin1', start, end)
}

/** Empty for what is not JSON, so that the reader finds it broken; undefined for JSON without a type. */
function typeOf(json: Buffer): string | undefined {
  const data = parseBounded(json)
  return data === undefined ? '' : stringField(data, 'type')
}

function textOf(payload: Uint8Array): string {
  return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString()
}
