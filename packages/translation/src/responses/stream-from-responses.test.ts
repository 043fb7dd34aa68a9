import { describe, expect, it } from 'vitest'
import { StreamFromResponses } from './stream-from-responses.ts'

/** The types of the blocks, and what is said in them, of a message made of these events. */
function messageOf(...events: readonly { readonly type: string }[]): unknown[] {
  const stream = new StreamFromResponses()
  let text = ''
  for (const event of events) text += stream.read({ name: event.type, data: JSON.stringify(event) })
  text += stream.finish()
  const blocks: { type: string; said: string }[] = []
  for (const [, data] of text.matchAll(/^data: (.+)$/gm)) {
    const { type, content_block, delta } = JSON.parse(data as string)
    if (type === 'content_block_start') blocks.push({ type: content_block.type, said: '' })
    const last = blocks.at(-1)
    if (type === 'content_block_delta' && last)
      last.said += delta.text ?? delta.partial_json ?? delta.thinking ?? ''
  }
  return blocks.map(({ type, said }) => [type, said])
}

const place = { item_id: 'msg_1', output_index: 0, content_index: 0 }
const item = { type: 'message', content: [{ type: 'output_text', text: 'It rains.' }] }
const call = { type: 'function_call', call_id: 'call_1', name: 'look', arguments: '{"at":"Rome"}' }
const end = (...output: object[]): { type: string } =>
  ({ type: 'response.completed', response: { status: 'completed', output } }) as { type: string }
const delta = { type: 'response.output_text.delta', ...place, delta: 'It rains.' }

describe('servers of Responses that leave events out', () => {
  it.each([
    ['the pieces of a text', [{ type: 'response.output_text.done', ...place, text: 'It rains.' }, end(item)]],
    ['all but the end', [end(item)]],
    ['all but the pieces and the end', [delta, end(item)]],
    ['the end of an item', [{ type: 'response.output_item.added', output_index: 0, item }, delta, end(item)]],
    ['all but the end of an item', [{ type: 'response.output_item.done', output_index: 0, item }, end(item)]],
  ])('are read where %s is missing, and nothing is said twice', (_name, events) => {
    expect(messageOf(...events)).toEqual([['text', 'It rains.']])
  })

  it('have nothing said twice where all is there', () => {
    const done = { type: 'response.output_text.done', ...place, text: 'It rains.' }
    const closed = { type: 'response.output_item.done', output_index: 0, item }
    expect(messageOf(delta, done, closed, end(item))).toEqual([['text', 'It rains.']])
  })

  it('have their calls and refusals read from the end', () => {
    const refused = { type: 'message', content: [{ type: 'refusal', refusal: 'No.' }] }
    expect(messageOf(end(item, call))).toEqual([
      ['text', 'It rains.'],
      ['tool_use', '{"at":"Rome"}'],
    ])
    expect(messageOf(end(refused))).toEqual([['text', 'No.']])
    expect(
      messageOf({ type: 'response.refusal.done', ...place, refusal: 'No.' } as { type: string }),
    ).toEqual([['text', 'No.']])
  })
})
