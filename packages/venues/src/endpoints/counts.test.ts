import { createRequest, type Handler } from '@spillway/middleware'
import { bodyOf, jsonBodyFromObject, type Operation } from '@spillway/middleware/kit'
import { classifyHttpError, failureResponse } from '@spillway/wire'
import { expect, it } from 'vitest'
import { vertex } from '../index.ts'

/** Vertex AI that refuses some counts of tokens, and answers everything else. */
function atVertex(refused: (betas: string | undefined, model: unknown) => string | undefined) {
  const sent: (readonly [Operation, string | undefined, unknown])[] = []
  const upstream: Handler = async (request) => {
    const betas = request.headers['anthropic-beta']
    const { model } = request.body.json
    sent.push([request.operation, betas, model])
    const message = request.operation === 'count_tokens' ? refused(betas, model) : undefined
    if (message !== undefined) {
      const error = { type: 'error', error: { type: 'invalid_request_error', message } }
      return failureResponse(request, classifyHttpError(400, {}, error, 0))
    }
    return {
      ...{ status: 200, headers: { 'content-type': 'application/json' }, failure: undefined },
      ...{
        body: bodyOf(Buffer.from('{"input_tokens":2}')),
        target: undefined,
        outcome: new Promise(() => {}),
      },
    }
  }
  const { form } = vertex({ project: 'p', region: 'global' })
  const handler = form?.(upstream) as Handler
  const ask = (operation: Operation, model: string, headers: Record<string, string> = {}) =>
    handler(
      createRequest({
        ...{ api: 'anthropic', operation, model, stream: false, url: '/v1/messages', headers },
        body: jsonBodyFromObject({ model, messages: [{ role: 'user', content: 'Hello' }] }),
      }),
    )
  return { ask, sent }
}

it('what a count of tokens may not say, a call of the same model still says', async () => {
  // Seen to 2026-09 (BerriAI/litellm#39597, anthropics/anthropic-sdk-typescript#1016).
  const { ask, sent } = atVertex((betas) =>
    betas?.includes('b-2')
      ? 'Unexpected value(s) `b-2` for the `anthropic-beta` header. Please consult our documentation.'
      : undefined,
  )
  const betas = { 'anthropic-beta': 'a-1,b-2' }
  for (const operation of ['count_tokens', 'generate', 'count_tokens'] as const)
    expect((await ask(operation, 'claude-sonnet-4-6', betas)).failure).toBeUndefined()
  expect(sent.map(([operation, said]) => [operation, said])).toEqual([
    ['count_tokens', 'a-1,b-2'],
    ['count_tokens', 'a-1'],
    ['generate', 'a-1,b-2'],
    ['count_tokens', 'a-1'],
  ])
})

it('counts by the name without @default, and estimates where Vertex AI counts nothing for a name', async () => {
  // Seen 2026-02 and 2026-04 (anthropics/claude-code#24530, BerriAI/litellm#25798).
  const { ask, sent } = atVertex((_, model) =>
    String(model).includes('@') ? `${model} is not supported for token counting` : undefined,
  )
  expect((await ask('count_tokens', 'claude-opus-4-6@default')).failure).toBeUndefined()
  const { failure, headers } = await ask('count_tokens', 'claude-haiku-4-5')
  expect([failure, headers['x-spillway-degraded']]).toEqual([undefined, 'token_count'])
  expect(sent.map(([, , model]) => model)).toEqual(['claude-opus-4-6', 'claude-haiku-4-5@20251001'])
})
