import { createRequest, jsonBodyFromBytes, jsonBodyFromObject, type ModelRequest } from '@spillway/middleware'
import { expect, it } from 'vitest'
import { withModel } from './with-model.ts'

const requestOf = (body = jsonBodyFromObject({ model: 'a', max_tokens: 9, messages: [] })): ModelRequest =>
  createRequest({ api: 'anthropic', model: 'a', stream: true, url: '/v1/messages', body })

it('names the other model in the request and in its body, and leaves the rest', () => {
  const changed = withModel(requestOf(), 'b')
  expect(changed.model).toBe('b')
  expect(JSON.parse(Buffer.from(changed.body.bytes).toString())).toEqual({
    model: 'b',
    max_tokens: 9,
    messages: [],
  })
})

it('leaves the original as it was', () => {
  const request = requestOf()
  withModel(request, 'b')
  expect(request.model).toBe('a')
  expect(request.body.json).toMatchObject({ model: 'a' })
})

it('costs nothing for the same model, whatever the body', () => {
  const request = requestOf(jsonBodyFromBytes(Buffer.from('not JSON')))
  expect(withModel(request, 'a')).toBe(request)
})

it('throws for a body that is not JSON', () => {
  expect(() => withModel(requestOf(jsonBodyFromBytes(Buffer.from('not JSON'))), 'b')).toThrow(SyntaxError)
})
