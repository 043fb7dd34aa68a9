import { describe, expect, it } from 'vitest'
import { wholeTranscript } from './whole-transcript.ts'

const bytes = (body: unknown): Uint8Array => Buffer.from(JSON.stringify(body))

describe('what a whole answer says', () => {
  it('in the words of Anthropic has a block for each block', () => {
    const transcript = wholeTranscript(
      'anthropic',
      bytes({
        id: 'msg_1',
        content: [
          { type: 'thinking', thinking: 'Hm.' },
          { type: 'text', text: 'Hello' },
          { type: 'tool_use', name: 'look', input: { text: 'not said' } },
          { type: 'something_new', text: 'not known' },
        ],
      }),
    )
    expect(transcript.id).toBe('msg_1')
    expect(transcript.blocks).toEqual([
      { type: 'thinking', text: '', index: 0, isOpen: false },
      { type: 'text', text: 'Hello', index: 1, isOpen: false },
      { type: 'tool', text: '', index: 2, isOpen: false },
      { type: 'other', text: '', index: 3, isOpen: false },
    ])
  })

  it('in the words of OpenAI has a block for each kind of content', () => {
    const message = { reasoning: 'Hm.', content: 'Hello', tool_calls: [{ id: '1' }, { id: '2' }] }
    const transcript = wholeTranscript('openai', bytes({ id: 'chatcmpl-1', choices: [{ message }] }))
    expect(transcript.id).toBe('chatcmpl-1')
    expect(transcript.blocks.map(({ type, text }) => [type, text])).toEqual([
      ['thinking', ''],
      ['text', 'Hello'],
      ['tool', ''],
    ])
  })

  it.each([
    'null',
    '[]',
    '{"content":"text"}',
    '{"content":[null,7]}',
    '{"choices":[]}',
    '{"choices":[{"message":{"content":null}}]}',
    '{"cut',
    '',
  ])('is no text where the body is %j', (text) => {
    for (const api of ['anthropic', 'openai'] as const) {
      const { blocks, id } = wholeTranscript(api, Buffer.from(text))
      expect(blocks.every((block) => block.text === '')).toBe(true)
      expect(id).toBeUndefined()
    }
  })

  it('is parsed once, by the first who looks', () => {
    const transcript = wholeTranscript('anthropic', bytes({ content: [{ type: 'text', text: 'Hello' }] }))
    expect(transcript.blocks).toBe(transcript.blocks)
  })
})
