import { isStreamFailure, StreamFailure } from '@spillway/middleware'
import { BodyChannel, readBody } from '@spillway/middleware/kit'
import { truncatedFailure } from '@spillway/wire'
import { describe, expect, it } from 'vitest'
import { StreamTranslator } from './protocols/stream-translator.ts'
import { translatedBody } from './translated-body.ts'

const chunk = (content: string, finish_reason: string | null = null): Buffer =>
  Buffer.from(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason }] })}\n\n`)

/** An upstream that says what is asked of it. */
function upstream(): { channel: BodyChannel; asked: string[] } {
  const asked: string[] = []
  const note = (what: string) => () => void asked.push(what)
  return {
    asked,
    channel: new BodyChannel({ pause: note('pause'), resume: note('resume'), cancel: note('cancel') }),
  }
}

describe('the translated body', () => {
  it('makes the upstream wait for a slow reader, and go on afterwards', async () => {
    const { channel, asked } = upstream()
    const body = translatedBody(channel, new StreamTranslator('anthropic'), () => {})
    for (let i = 0; i < 40; i++) channel.push(chunk('x'.repeat(10_000)))
    expect(asked).toEqual(['pause'])
    const reading = readBody(body)
    expect(asked).toEqual(['pause', 'resume'])
    channel.push(chunk('', 'stop'))
    channel.end()
    expect(Buffer.from(await reading).toString()).toMatch(/message_stop"}\n\n$/)
  })

  it('cancels the upstream', () => {
    const { channel, asked } = upstream()
    translatedBody(channel, new StreamTranslator('anthropic'), () => {}).cancel()
    expect(asked).toEqual(['cancel'])
  })

  it('breaks off with the failure of the upstream, without an event in its protocol', async () => {
    const { channel } = upstream()
    const body = translatedBody(channel, new StreamTranslator('anthropic'), () => {})
    channel.push(chunk('Hi'))
    channel.fail(new StreamFailure(truncatedFailure(), Buffer.from('data: {"error":{}}\n\n')))
    const error: unknown = await readBody(body).catch((reason: unknown) => reason)
    expect(isStreamFailure(error) && error.failure.kind).toBe('truncated')
    expect(isStreamFailure(error) && error.eventBytes).toBeUndefined()
  })

  it('passes the reason of a caller who left', async () => {
    const { channel } = upstream()
    const body = translatedBody(channel, new StreamTranslator('openai'), () => {})
    channel.fail(new Error('left'))
    await expect(readBody(body)).rejects.toThrow('left')
  })
})
