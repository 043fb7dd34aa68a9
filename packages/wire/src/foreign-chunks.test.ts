import { describe, expect, it } from 'vitest'
import { toolNameDeltas } from '../test/tool-name-deltas.ts'
import { answerBytes } from './answer-bytes.ts'
import { AnswerAssembler } from './assembly/answer-assembler.ts'
import { SseScanner } from './sse-scanner.ts'
import { StreamReader } from './stream-reader.ts'
import { TranscriptWriter } from './transcript-writer.ts'
import { wholeTranscript } from './whole-transcript.ts'

const data = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`
const chunk = (delta: object, finish_reason: string | null = null): string =>
  data({ id: 'chatcmpl-1', model: 'm', choices: [{ index: 0, delta, finish_reason }] })

describe('the name of a tool', () => {
  it.each(toolNameDeltas)('is whole in an assembled answer, however it comes: %s', (_, deltas) => {
    const assembler = new AnswerAssembler('openai')
    const scanner = new SseScanner((event) => assembler.read(event))
    const end = `${chunk({}, 'stop')}data: [DONE]\n\n`
    scanner.push(Buffer.from(deltas.map((delta) => chunk(delta)).join('') + end))
    const answer = JSON.parse(assembler.toJson() ?? '{}')
    expect(answer.choices[0].message.tool_calls[0].function).toEqual({
      name: 'get_weather',
      arguments: '{"a":1}',
    })
  })
})

describe('reasoning', () => {
  it('counts where it is, whatever stands empty beside it', () => {
    const answer = { choices: [{ message: { reasoning_content: '', reasoning: 'think' } }] }
    expect(answerBytes('openai', answer)).toBe('think'.length)
  })

  const thought = (text: string): object => ({
    content: [{ type: 'thinking', thinking: [{ type: 'text', text }] }],
  })
  const parts = [
    thought('Let '),
    thought('me.'),
    { content: [{ type: 'text', text: 'Yes' }] },
    { content: '!' },
  ]

  it('may be among the parts of the content, as Mistral sends it', () => {
    const content = parts.flatMap((part) => (part as { content: unknown }).content)
    const message = { content: content.filter((part) => typeof part === 'object') }
    const answer = { choices: [{ message }] }
    expect(answerBytes('openai', answer)).toBe('Let me.Yes'.length)
    expect(wholeTranscript('openai', Buffer.from(JSON.stringify(answer))).blocks).toMatchObject([
      { type: 'thinking', text: '' },
      { type: 'text', text: 'Yes' },
    ])
  })

  it('is content from its first piece on', () => {
    const reader = new StreamReader('openai')
    reader.push(Buffer.from(chunk({ role: 'assistant', content: '' })))
    expect(reader.state.hasContent).toBe(false)
    reader.push(Buffer.from(chunk(parts[0] as object)))
    expect(reader.state.hasContent).toBe(true)
    const writer = new TranscriptWriter('openai')
    const scanner = new SseScanner((event) => writer.read(event))
    scanner.push(Buffer.from(parts.map((part) => chunk(part)).join('')))
    expect(writer.blocks.map(({ type, text }) => [type, text])).toEqual([
      ['thinking', ''],
      ['text', 'Yes!'],
    ])
  })
})

it.each<[object]>([
  [{ function_call: {} }],
  [{ function_call: { name: '', arguments: '' } }],
  [{ function_call: null }],
  [{ function_call: { name: null, arguments: null } }],
])('an empty call of an older server is no content: %o', (empty) => {
  const reader = new StreamReader('openai')
  reader.push(Buffer.from(chunk({ role: 'assistant', content: '', ...empty })))
  expect(reader.state.hasContent).toBe(false)
})
