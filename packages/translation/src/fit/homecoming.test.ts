import type { JsonObject } from '@spillway/middleware/kit'
import { BodyScanner, promptFactsOf } from '@spillway/wire/internal'
import { describe, expect, it } from 'vitest'
import { modelCapabilities } from './capabilities.ts'
import { fitRequest, hasFittingThinking } from './fit-request.ts'
import { broughtHome, needsHomecoming } from './homecoming.ts'

const hi = { role: 'user', content: 'Hi' }
const said = (...content: JsonObject[]): JsonObject => ({ role: 'assistant', content })
const use = (id: string): JsonObject => ({ type: 'tool_use', id, name: 'f', input: {} })
const result = (id: string): JsonObject => ({ type: 'tool_result', tool_use_id: id, content: 'r' })
const results = (...ids: string[]): JsonObject => ({ role: 'user', content: ids.map(result) })
const text = (value: string): JsonObject => ({ type: 'text', text: value })
const thinking = (signature: string): JsonObject => ({ type: 'thinking', thinking: 'Hm', signature })

const claude = modelCapabilities('claude-sonnet-5-5')
const scope = 'thinking' as const

function fitted(messages: unknown, model = claude): unknown {
  const body = { model: 'm', max_tokens: 9, messages }
  const call = fitRequest({ api: 'anthropic', body, scope }, model)
  return call.kind === 'fits' ? (call.body === body ? 'the same' : call.body.messages) : call
}

/** What the scan of the bytes says, which never parses them. */
function isScannedAsFitting(messages: unknown): boolean {
  const bytes = Buffer.from(JSON.stringify({ model: 'm', messages }))
  const scanner = new BodyScanner()
  scanner.write(bytes)
  const body = scanner.end(bytes)
  if (typeof body === 'string') throw new Error(body)
  expect(promptFactsOf(body)).toBeDefined()
  return hasFittingThinking('anthropic', body, claude)
}

describe('what another model has left in a conversation', () => {
  it.each<[string, unknown[], unknown[]]>([
    [
      'a signature that is a random id',
      [hi, said(thinking('0f8fad5bd9cb469fa16570867728950e'), text('hi')), hi],
      [hi, said(text('hi')), hi],
    ],
    [
      'one with dashes',
      [hi, said(thinking('0F8FAD5B-d9cb-469f-a165-70867728950e'), text('hi')), hi],
      [hi, said(text('hi')), hi],
    ],
    ['a text that is empty', [hi, said(text(''), text('a')), hi], [hi, said(text('a')), hi]],
    [
      'a text of white space',
      [hi, said(text(' \n\t'), use('a')), results('a')],
      [hi, said(use('a')), results('a')],
    ],
    ['a text of wide spaces', [hi, said(text('\u00a0\u2003'), text('a')), hi], [hi, said(text('a')), hi]],
    ['an answer of nothing else', [hi, said(text('\n\n')), hi], [hi, hi]],
    ['an answer of white space', [hi, { role: 'assistant', content: ' ' }, hi], [hi, hi]],
  ])('does not go to Claude: %s', (_, messages, expected) => {
    expect(fitted(messages)).toEqual(expected)
    expect(isScannedAsFitting(messages)).toBe(false)
    expect(fitted(expected)).toBe('the same')
    expect(isScannedAsFitting(expected)).toBe(true)
  })

  it.each(['functions.Bash:0', 'call|1', 'x'.repeat(200), 'é', ''])(
    'has ids that Claude takes, the same for a call and its result: %.20s',
    (id) => {
      const messages = [hi, said(use(id)), results(id)]
      const home = fitted(messages) as { content: { id: string; tool_use_id: string }[] }[]
      const [, call, answer] = home
      expect(call?.content[0]?.id).toMatch(/^[a-zA-Z0-9_-]{1,128}$/)
      expect(answer?.content[0]?.tool_use_id).toBe(call?.content[0]?.id)
      expect(isScannedAsFitting(messages)).toBe(false)
      // Each turn gives the same again, for the cache of prompts.
      expect(fitted([...messages, said(text('ok')), hi])).toEqual([...home, said(text('ok')), hi])
    },
  )

  it('has each id once, with the results of each where they belong', () => {
    const messages = [hi, said(use('0'), use('0')), results('0', '0'), said(use('0')), results('0')]
    expect(fitted(messages)).toEqual([
      hi,
      said(use('0'), use('0_2')),
      results('0', '0_2'),
      said(use('0_3')),
      results('0_3'),
    ])
    expect(isScannedAsFitting(messages)).toBe(false)
  })

  it('has no id twice where one looks like a second one', () => {
    const messages = [hi, said(use('a_2'), use('a')), results('a_2', 'a'), said(use('a')), results('a')]
    const ids = (fitted(messages) as JsonObject[]).flatMap(({ content }) =>
      Array.isArray(content) ? content.flatMap(({ id }) => (id === undefined ? [] : [id])) : [],
    )
    expect(new Set(ids).size).toBe(3)
  })

  it('counts in time, however often an id comes', { retry: 2 }, () => {
    const messages = Array.from({ length: 50_000 }, () => said(use('0')))
    const begun = process.cpuUsage()
    expect(
      new Set((broughtHome(messages) as { content: JsonObject[] }[]).map((m) => m.content[0]?.id)).size,
    ).toBe(50_000)
    expect(process.cpuUsage(begun).user / 1_000).toBeLessThan(3_000)
  })

  it('goes back to other models as it is', () => {
    const messages = [hi, said(text(' '), use('functions.Bash:0')), results('functions.Bash:0')]
    expect(fitted(messages, modelCapabilities('qwen3'))).toBe('the same')
  })
})

describe('what is the caller’s own', () => {
  it.each<[string, unknown]>([
    ['a blank text of the user’s', [hi, said(text('a')), { role: 'user', content: [text(' ')] }]],
    ['a conversation of white space alone', [{ role: 'user', content: ' ' }]],
    [
      'ids and texts that are fine',
      [hi, said(text(' a'), text('é'), text('"'), use('toolu_1')), results('toolu_1')],
    ],
    [
      'a signature of Claude’s',
      [hi, said(thinking('EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds'), text('a'))],
    ],
    ['text in what is no text', [hi, said({ ...use('a'), input: { text: ' ', id: 'a b' } }), results('a')]],
    ['what is no conversation', 'messages'],
  ])('stays the very same: %s', (_, messages) => {
    expect(fitted(messages)).toBe('the same')
    expect(needsHomecoming(messages)).toBe(false)
    expect(isScannedAsFitting(messages)).toBe(true)
  })
})
