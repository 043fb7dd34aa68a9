import { createRequest, type ModelRequest } from '@spillway/middleware'
import { jsonBodyFromBytes, jsonBodyFromObject } from '@spillway/middleware/kit'
import { describe, expect, it } from 'vitest'
import { conversationOf, hashFraction } from './conversation.ts'

type Changes = Partial<Pick<ModelRequest, 'api' | 'operation'>> & { session?: string; tenant?: string }

function request(json: object, { api = 'anthropic', operation = 'generate', ...context }: Changes = {}) {
  const body = jsonBodyFromObject(json as { [key: string]: unknown })
  return createRequest({ api, operation, model: 'm', stream: true, url: '/', body, context })
}

const user = (content: unknown) => ({ role: 'user', content })
const assistant = { role: 'assistant', content: 'Hello.' }
const keyOf = (json: object, changes?: Changes) => conversationOf(request(json, changes))?.key

describe('the key of a conversation', () => {
  it('is the same for all its turns, and the first turn is told from the others', () => {
    const first = conversationOf(request({ system: 's', messages: [user('Hi')] }))
    const later = conversationOf(request({ system: 's', messages: [user('Hi'), assistant, user('And?')] }))
    expect(later?.key).toBe(first?.key)
    expect([first?.isFirstTurn, later?.isFirstTurn]).toEqual([true, false])
  })

  it('differs by system prompt, tools and first user message', () => {
    const keys = [
      { messages: [user('Hi')] },
      { messages: [user('Hello')] },
      { system: 's', messages: [user('Hi')] },
      { system: [{ type: 'text', text: 't' }], messages: [user('Hi')] },
      { tools: [{ name: 'read' }], messages: [user('Hi')] },
      { tools: [{ name: 'write' }], messages: [user('Hi')] },
      { messages: [user([{ type: 'text', text: 'a' }])] },
      { messages: [user([{ type: 'image' }])] },
    ].map((json) => keyOf(json))
    expect(new Set(keys).size).toBe(keys.length)
  })

  it('sees the end and the length of a long text', () => {
    const long = 'x'.repeat(100_000)
    const keys = [long, `${long}x`, `${long}y`, `y${long}`].map((text) => keyOf({ messages: [user(text)] }))
    expect(new Set(keys).size).toBe(4)
  })

  it('finds the system prompt among the messages of OpenAI', () => {
    const of = (system: string) =>
      keyOf({ messages: [{ role: 'system', content: system }, user('Hi')] }, { api: 'openai' })
    expect(of('a')).not.toBe(of('b'))
    const tool = (name: string) =>
      keyOf({ tools: [{ function: { name } }], messages: [user('Hi')] }, { api: 'openai' })
    expect(tool('a')).not.toBe(tool('b'))
  })

  it('is the session where there is one, each tenant with its own', () => {
    const a = { messages: [user('Hi')] }
    const b = { messages: [user('Bye'), assistant, user('Hi')] }
    expect(keyOf(a, { session: '1' })).toBe(keyOf(b, { session: '1' }))
    expect(keyOf(a, { session: '1' })).not.toBe(keyOf(a, { session: '2' }))
    expect(keyOf(a, { session: '1', tenant: 'x' })).not.toBe(keyOf(a, { session: '1', tenant: 'y' }))
    expect(conversationOf(request(a, { session: '1' }))?.isFirstTurn).toBe(true)
    expect(conversationOf(request({}, { session: '1' }))?.isFirstTurn).toBe(false)
  })

  it('does not show what was said', () => {
    expect(keyOf({ messages: [user('my secret')] })).toMatch(/^[0-9a-z]{1,11}$/)
  })

  it('is missing for token counts and for bodies that make no sense', () => {
    expect(keyOf({ messages: [user('Hi')] }, { operation: 'count_tokens' })).toBeUndefined()
    for (const json of [{}, { messages: 'Hi' }, { messages: [] }]) expect(keyOf(json)).toBeUndefined()
    expect(keyOf({ messages: [null, 7], system: 7, tools: [null] })).toBeDefined()
    const broken = { ...request({}), body: jsonBodyFromBytes(Buffer.from('{')) }
    expect(conversationOf(broken)).toBeUndefined()
    expect(conversationOf(broken)).toBeUndefined()
  })
})

it('spreads keys evenly over the fractions', () => {
  const buckets = new Array<number>(10).fill(0)
  for (let index = 0; index < 10_000; index++) {
    const fraction = hashFraction(String(index))
    expect(fraction).toBeGreaterThanOrEqual(0)
    expect(fraction).toBeLessThan(1)
    buckets[Math.floor(fraction * 10)]!++
  }
  for (const count of buckets) expect(Math.abs(count - 1000)).toBeLessThan(150)
})
