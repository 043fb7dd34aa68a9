import { describe, expect, it } from 'vitest'
import { FormSniffer, headersOf } from './body-form.ts'

/** What a body is, read in chunks of this length. */
function formOf(text: string, chunkLength = text.length): string | undefined {
  const sniffer = new FormSniffer()
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += chunkLength) {
    const form = sniffer.read(bytes.subarray(at, at + chunkLength))
    if (form !== undefined) return form
  }
  return undefined
}

describe('what a body is', () => {
  it.each([
    ['{"a":1}', 'json'],
    [' \r\n\t{', 'json'],
    ['\ufeff{', 'json'],
    ['data: {"a":1}', 'stream'],
    ['data:{', 'stream'],
    ['data\n\n', 'stream'],
    ['event: message_start\r\n', 'stream'],
    ['id: 1\n', 'stream'],
    ['retry: 3000\n', 'stream'],
    [': OPENROUTER PROCESSING\n\n', 'stream'],
    ['\n\n\ndata: x', 'stream'],
    ['\ufeffdata: x', 'stream'],
    ['<html>', 'other'],
    ['error: no capacity', 'other'],
    ['database down', 'other'],
    ['data{', 'other'],
    ['identity: x', 'other'],
    ['[{"error":{}}]', 'other'],
    ['null', 'other'],
    ['"text"', 'other'],
    ['', undefined],
    ['\n \n', undefined],
    ['even', undefined],
  ])('is told by its beginning, in any chunking: %j', (text, form) => {
    for (const length of [1, 2, 3, 100]) expect(formOf(text, length)).toBe(form)
  })
})

describe('the type of a body', () => {
  const typed = (form: 'stream' | 'json', type?: string): unknown =>
    headersOf(form, { 'content-length': '9', ...(type === undefined ? {} : { 'content-type': type }) })

  it.each<['stream' | 'json', string]>([
    ['json', 'application/json'],
    ['json', 'application/json; charset=utf-8'],
    ['json', 'application/problem+json'],
    ['stream', 'text/event-stream'],
    ['stream', 'text/event-stream;charset=utf-8'],
  ])('stays where it is right: %s %s', (form, type) => {
    expect(typed(form, type)).toEqual({ 'content-length': '9', 'content-type': type })
  })

  it.each<['stream' | 'json', string | undefined]>([
    ['json', undefined],
    ['json', 'text/plain'],
    ['json', 'Application/JSON'],
    ['json', 'application/jsonl'],
    ['json', 'text/event-stream'],
    ['stream', undefined],
    ['stream', 'Text/Event-Stream'],
    ['stream', 'application/json'],
  ])('is put right: %s %s', (form, type) => {
    expect(typed(form, type)).toEqual({
      'content-type': form === 'json' ? 'application/json' : 'text/event-stream; charset=utf-8',
    })
  })
})
