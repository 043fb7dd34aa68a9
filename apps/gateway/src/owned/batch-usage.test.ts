import { expect, it } from 'vitest'
import { BatchUsage } from './batch-usage.ts'
import { idsIn, ownedPath } from './owned-path.ts'

const line = (id: string, model: string, tokens: number): string =>
  JSON.stringify({
    custom_id: id,
    result: { type: 'succeeded', message: { model, usage: { input_tokens: tokens, output_tokens: 1 } } },
  })

it('sums up the answers of a batch by model, however its lines are cut', () => {
  const lines = [
    line('a', 'claude-opus-5-5', 10),
    JSON.stringify({ custom_id: 'b', result: { type: 'errored', error: {} } }),
    'nonsense',
    line('é', 'claude-opus-5-5', 5),
    JSON.stringify({
      custom_id: 'o',
      response: {
        status_code: 200,
        body: { model: 'gpt-5.5', usage: { prompt_tokens: 7, completion_tokens: 2 } },
      },
    }),
  ]
  const bytes = Buffer.from(lines.join('\n'))
  for (const size of [1, 7, bytes.length]) {
    const usage = new BatchUsage({ provider: 'anthropic', at: 0, prices: undefined })
    for (let at = 0; at < bytes.length; at += size) usage.push(bytes.subarray(at, at + size))
    expect(usage.end()).toMatchObject([
      { model: 'claude-opus-5-5', requests: 2, input: 15, output: 2 },
      { model: 'gpt-5.5', requests: 1, input: 7, output: 2, cost: undefined },
    ])
  }
})

it('recognises batches and files of both vendors, and nothing beside them', () => {
  expect(ownedPath('/v1/messages/batches/msgbatch_01/results')).toMatchObject({
    api: 'anthropic',
    methods: ['GET'],
  })
  expect(ownedPath('/v1/batches/batch_1/cancel')).toMatchObject({ api: 'openai', methods: ['POST'] })
  expect(ownedPath('/v1/files')).toMatchObject({ kind: 'files', methods: ['GET', 'POST'] })
  for (const path of [
    '/v1/files/',
    '/v1/files/../x',
    '/v1/files/a/b/c',
    '/v1/batches/x/__proto__',
    '/v1/filesystem',
  ])
    expect([path, ownedPath(path)]).toEqual([path, undefined])
  expect(idsIn('{"id": "batch_1", "output_file_id":"file-2", "input_file_id":null, "user_id":"u"}')).toEqual([
    { field: 'id', id: 'batch_1' },
    { field: 'output_file_id', id: 'file-2' },
  ])
})
