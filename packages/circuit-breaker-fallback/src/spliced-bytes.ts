import { SseScanner } from '@spillway/wire'
import type { Splice } from './splice.ts'

/** Turns the bytes of a continuation into those that the caller gets, in any pieces. */
export function splicedBytes(splice: Splice): (chunk: Uint8Array) => Uint8Array {
  let text = ''
  const scanner = new SseScanner((event) => {
    text += splice.read(event)
  })
  return (chunk) => {
    scanner.push(chunk)
    const bytes = Buffer.from(text)
    text = ''
    return bytes
  }
}
