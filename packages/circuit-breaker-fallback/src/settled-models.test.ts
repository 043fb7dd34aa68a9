import { createRequest, type ModelRequest } from '@spillway/middleware'
import { jsonBodyFromObject } from '@spillway/middleware/kit'
import { virtualClock } from '@spillway/testing'
import { expect, it } from 'vitest'
import { SettledModels } from './settled-models.ts'

const clock = virtualClock()
const question = { role: 'user', content: 'Hello?' }
const answer = { role: 'assistant', content: 'Hello.' }

const request = (
  messages: object[],
  context: Partial<ModelRequest['context']> = {},
  model = 'a',
): ModelRequest =>
  createRequest({
    ...{ api: 'anthropic', model, stream: false, url: '/', clock, context },
    body: jsonBodyFromObject({ model, messages }),
  })

it('later turns of a conversation stay with a model, for a time', async () => {
  const settled = new SettledModels(10, 1_000)
  const later = [question, answer, question]
  settled.settle(request([question]), 'b')
  expect(settled.modelFor(request(later))).toBe('b')
  expect(settled.modelFor(request([question]))).toBeUndefined()
  expect(settled.modelFor(request([{ role: 'user', content: 'Else?' }, answer, question]))).toBeUndefined()
  await clock.advance(999)
  expect(settled.modelFor(request(later))).toBe('b')
  await clock.advance(1)
  expect(settled.modelFor(request(later))).toBeUndefined()
})

it('conversations of other tenants, sessions and models are others', () => {
  const settled = new SettledModels(10, 1_000)
  const later = [question, answer, question]
  settled.settle(request([question], { tenant: 't', session: 's' }), 'b')
  expect(settled.modelFor(request(later, { tenant: 't', session: 's' }))).toBe('b')
  expect(settled.modelFor(request(later, { tenant: 'u', session: 's' }))).toBeUndefined()
  expect(settled.modelFor(request(later, { tenant: 't', session: 'r' }))).toBeUndefined()
  expect(settled.modelFor(request(later, { tenant: 't', session: 's' }, 'c'))).toBeUndefined()
})

it('so many conversations are remembered and no more', () => {
  const settled = new SettledModels(2, 1_000)
  const turn = (i: number): object => ({ role: 'user', content: `Hello ${i}?` })
  for (const i of [1, 2, 3]) settled.settle(request([turn(i)]), 'b')
  expect([1, 2, 3].map((i) => settled.modelFor(request([turn(i), answer, question])))).toEqual([
    undefined,
    'b',
    'b',
  ])
})
