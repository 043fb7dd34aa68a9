import { describe, expect, it } from 'vitest'
import { dialectStreams } from '../../../wire/test/dialect-streams.ts'
import { StreamTranslator } from './stream-translator.ts'

// From Messages and chat completions into each other.
const translated = dialectStreams.filter(({ api }) => api !== 'responses')

describe.each(translated)('a stream of $name', ({ api, answer, more }) => {
  const whole = Buffer.from(answer)
  const all = Buffer.from(answer + more)

  it('is translated to an end where it is whole, and to an error event everywhere else', () => {
    const to = api === 'anthropic' ? 'openai' : 'anthropic'
    const step = Math.max(1, Math.floor(all.length / 150))
    const ends = [whole.length - 1, whole.length, all.length]
    for (let at = 1; at < all.length; at += step) ends.push(at)
    for (const at of ends) {
      const translator = new StreamTranslator(to)
      const bytes = Buffer.concat([translator.push(all.subarray(0, at)), translator.end()])
      const last = bytes.toString().trimEnd().split('\n\n').at(-1) ?? ''
      const isEnd = last === 'data: [DONE]' || last.startsWith('event: message_stop\n')
      expect([at, isEnd, last.includes('"error"')]).toEqual([at, at >= whole.length, at < whole.length])
    }
  })
})
