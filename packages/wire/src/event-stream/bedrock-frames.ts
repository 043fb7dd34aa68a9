import { SseScanner } from '../sse-scanner.ts'
import { encodeFrame } from './encode-frame.ts'

const headers = {
  ':event-type': 'chunk',
  ':content-type': 'application/json',
  ':message-type': 'event',
}

/** The JSON of one event in a frame of the Bedrock runtime. */
export function bedrockFrame(json: string): Uint8Array {
  return encodeFrame(headers, Buffer.from(JSON.stringify({ bytes: Buffer.from(json).toString('base64') })))
}

/** A whole text of server-sent events in the frames of the Bedrock runtime. */
export function bedrockFrames(events: string): Uint8Array {
  const frames: Uint8Array[] = []
  new SseScanner((event) => frames.push(bedrockFrame(event.data))).push(Buffer.from(events))
  return Buffer.concat(frames)
}
