import { jsonBodyFromObject } from '@spillway/middleware/kit'
import { BodyScanner } from '@spillway/wire/internal'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { uploadedIds } from './ids-in-upload.ts'
import { madeIds } from './made-ids.ts'
import { namedIds } from './named-ids.ts'

const file = 'file_011CNha8iCJcU1wXNR6q4V8w'
/** The same of a body that is scanned and of one that is not. */
const named = (api: 'anthropic' | 'openai' | 'responses', body: object): string[] => {
  const bytes = Buffer.from(JSON.stringify(body))
  const scanner = new BodyScanner()
  scanner.write(bytes)
  const scanned = scanner.end(bytes)
  if (typeof scanned === 'string') throw new Error(scanned)
  const [first, second] = [scanned, jsonBodyFromObject(body as never)].map((each) =>
    namedIds(each, api).map(({ what, id }) => `${what} ${id}`),
  )
  expect(first).toEqual(second)
  return first ?? []
}
const user = (...content: readonly object[]): object => ({ messages: [{ role: 'user', content }] })

it.each<readonly [string, ReturnType<typeof named>, readonly string[]]>([
  ['nothing', named('anthropic', user({ type: 'text', text: `"file_id": "${file}"` })), []],
  [
    'a document',
    named('anthropic', user({ type: 'document', source: { type: 'file', file_id: file } })),
    [`file ${file}`],
  ],
  [
    'one in the result of a tool',
    named('anthropic', user({ type: 'tool_result', content: [{ source: { file_id: file } }] })),
    [`file ${file}`],
  ],
  [
    'a file for a container',
    named('anthropic', { container: 'container_1', ...user({ type: 'container_upload', file_id: file }) }),
    ['container container_1', `file ${file}`],
  ],
  [
    'a container with skills',
    named('anthropic', { container: { id: 'container_1', skills: [] } }),
    ['container container_1'],
  ],
  [
    'what code has made, told again',
    named(
      'anthropic',
      user({
        type: 'code_execution_tool_result',
        content: {
          type: 'code_execution_result',
          content: [{ type: 'code_execution_output', file_id: file }],
        },
      }),
    ),
    [],
  ],
  ['arguments of a tool', named('anthropic', user({ type: 'tool_use', input: { file_id: file } })), []],
  [
    'the schema of a tool',
    named('anthropic', {
      tools: [{ name: 'a', input_schema: { properties: { file_id: { type: 'string' } } } }],
    }),
    [],
  ],
  [
    'a file in chat completions',
    named('openai', user({ type: 'file', file: { file_id: 'file-1' } })),
    ['file file-1'],
  ],
  ['a response', named('responses', { previous_response_id: 'resp_1' }), ['response resp_1']],
  [
    'a conversation and a prompt',
    named('responses', { conversation: { id: 'conv_1' }, prompt: { id: 'pmpt_1' } }),
    ['conversation conv_1', 'prompt pmpt_1'],
  ],
  ['an item', named('responses', { input: [{ type: 'item_reference', id: 'rs_1' }] }), ['item rs_1']],
  [
    'reasoning that is stored',
    named('responses', { input: [{ type: 'reasoning', id: 'rs_1', summary: [] }] }),
    ['item rs_1'],
  ],
  [
    'reasoning that is sent',
    named('responses', { input: [{ type: 'reasoning', id: 'rs_1', encrypted_content: 'x' }] }),
    [],
  ],
  [
    'what tools read',
    named('responses', {
      tools: [
        { type: 'file_search', vector_store_ids: ['vs_1'] },
        { type: 'code_interpreter', container: { type: 'auto', file_ids: ['file-1'] } },
        { type: 'code_interpreter', container: 'cntr_1' },
      ],
    }),
    ['vector store vs_1', 'file file-1', 'container cntr_1'],
  ],
])('%s: what a call names', (_, found, expected) => {
  expect(found).toEqual(expected)
})

it('a name in escapes hides nothing', () => {
  const bytes = Buffer.from(`{"messages":[{"content":[{"source":{"\\u0066ile\\u005fid":"${file}"}}]}]}`)
  const body = { bytes, json: JSON.parse(bytes.toString()) }
  expect(namedIds(body, 'anthropic')).toEqual([{ id: file, what: 'file' }])
})

const batch = (inner: string): string =>
  `{"requests":[{"custom_id":"file_of_custom_ids","params":{"messages":[{"content":[${inner}]}]}}]}`

it.each([
  [`{"source":{"type":"file","file_id":"${file}"}}`, [file]],
  [`{"source":{"type":"file","file_id" \n:\t"${file}"}}`, [file]],
  [`{"\\u0066\\u0069le_id":"\\u0066ile_011CNha8iCJcU1wXNR6q4V8w"}`, [file]],
  [`{"type":"text","text":"see \\"file_id\\": \\"${file}\\""}`, []],
  [`{"file_ids":["file-AAAAAAAAAAAA","${file}"]}`, ['file-AAAAAAAAAAAA', file]],
  [
    `{"previous_response_id":"resp_0123456789"},{"container":"container_0123456789"}`,
    ['resp_0123456789', 'container_0123456789'],
  ],
])('an upload is read however it comes in pieces: %s', (inner, expected) => {
  const bytes = Buffer.from(batch(inner))
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 30 }), (cuts) => {
      const ids = uploadedIds()
      const places = [0, ...cuts.sort((a, b) => a - b), bytes.length]
      const found = places.slice(1).flatMap((end, at) => [...ids.push(bytes.subarray(places[at], end))])
      expect(found).toEqual(expected)
    }),
  )
})

const madeBy = (isStream: boolean, text: string): string[] => {
  const ids: string[] = []
  const made = madeIds(isStream, (id) => ids.push(id))
  for (let at = 0; at < text.length; at += 7) made.push(Buffer.from(text.slice(at, at + 7)))
  made.end()
  return [...new Set(ids)]
}

it('an answer tells what it has made, and nothing that its request has said', () => {
  const response = {
    ...{ id: 'resp_of_this', object: 'response', metadata: { id: 'resp_of_another' } },
    tools: [{ type: 'code_interpreter', container: 'cntr_of_another' }],
    previous_response_id: 'resp_of_another',
    output: [
      { id: 'rs_of_this', type: 'reasoning' },
      { id: 'ci_of_this', type: 'code_interpreter_call', container_id: 'cntr_of_this' },
      {
        id: 'msg_of_this',
        type: 'message',
        content: [
          {
            type: 'output_text',
            text: '{"id":"resp_of_another"}',
            annotations: [{ type: 'container_file_citation', file_id: 'cfile_of_this' }],
          },
        ],
      },
    ],
  }
  const all = ['resp_of_this', 'rs_of_this', 'ci_of_this', 'cntr_of_this', 'msg_of_this', 'cfile_of_this']
  expect(madeBy(false, JSON.stringify(response))).toEqual(all)
  const event = (type: string, data: object): string =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`
  const events = [
    event('response.created', { response: { ...response, output: [] } }),
    event('response.output_text.delta', {
      delta: '{"type":"response.created","response":{"id":"resp_of_another"}}',
    }),
    ...response.output.map((item) => event('response.output_item.done', { item })),
  ]
  expect(madeBy(true, events.join(''))).toEqual(all)
  const claude = [
    event('message_start', { message: { id: 'msg_of_this', container: null, content: [] } }),
    event('content_block_start', {
      content_block: { type: 'bash_code_execution_tool_result', content: { content: [{ file_id: file }] } },
    }),
    event('content_block_delta', {
      delta: { type: 'text_delta', text: '"container":{"id":"container_of_another"}' },
    }),
    event('message_delta', { delta: { container: { id: 'container_of_this' } } }),
  ]
  expect(madeBy(true, claude.join(''))).toEqual([file, 'container_of_this'])
})
