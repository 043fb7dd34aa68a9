import { type JsonBody, jsonBodyFromBytes } from '@spillway/middleware/kit'
import { BodyScanner } from '@spillway/wire/internal'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { prompts } from '../../../wire/test/prompts.ts'
import { mayHaveForeignThinking } from './foreign-thinking.ts'

function bodyOf(text: string, size = Infinity): JsonBody {
  const bytes = Buffer.from(text)
  const scanner = new BodyScanner()
  for (let at = 0; at < bytes.length; at += size) scanner.write(bytes.subarray(at, at + size))
  const body = scanner.end(bytes)
  if (typeof body === 'string') throw new Error(body)
  return body
}

describe('what a scan tells of a prompt', () => {
  it('is whether there may be thinking that a target must not see', () => {
    fc.assert(
      fc.property(prompts, fc.integer({ min: 1, max: 99 }), (prompt, size) => {
        // In turns of others than the assistant nobody minds it, so a scan need not tell them apart.
        const text = JSON.stringify(prompt).replaceAll(/"role":("\w*"|null)/g, '"role":"assistant"')
        const body = bodyOf(text, size)
        const parsed = jsonBodyFromBytes(body.bytes)
        for (const target of ['claude', 'others'] as const) {
          expect(mayHaveForeignThinking(body, target)).toBe(mayHaveForeignThinking(parsed, target))
        }
      }),
      { numRuns: 500 },
    )
  })

  it.each([
    '{"messages":[{"role":"user","content":[{"typ\\u0065":"thinking"}]}]}',
    '{"messages":[{"role":"assistant","content":[{"type":"\\u0074hinking"}]}]}',
    '{"messages":[{"role":"assistant","content":[{"type":"text","type":"thinking"}]}]}',
    '{"messages":[{"role":"assistant","content":[{"type":"thinking","signature":"a","signature":""}]}]}',
    '{"messages":[{"role":"assistant","content":[{"type":"thinking","signature":"\\u0073pillway:1"}]}]}',
    '{"messages":[{"role":"assistant","role":"user","content":[]}]}',
    '{"m\\u0065ssages":[{"role":"assistant","content":[{"type":"thinking"}]}]}',
  ])('is left to a parser where only that can tell: %s', (text) => {
    const body = bodyOf(text)
    expect(mayHaveForeignThinking(body, 'claude')).toBe(
      mayHaveForeignThinking(jsonBodyFromBytes(body.bytes), 'claude'),
    )
  })
})
