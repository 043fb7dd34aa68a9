import { SseScanner } from '@spillway/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSpillwaySigned } from './spillway-signature.ts'
import { StreamTranslator } from './stream-translator.ts'

interface Event {
  readonly type: string
  readonly index: number
  readonly content_block?: object
  readonly delta?: Record<string, string>
}

const bytesOf = (text: string): Buffer => Buffer.from(text)

/** The events of a translated stream; chunks of the other protocol have no name. */
function eventsOf(text: string): { name: string; data: string }[] {
  const events: { name: string; data: string }[] = []
  const scanner = new SseScanner(({ name, data }) => events.push({ name, data }))
  scanner.push(bytesOf(text))
  expect(scanner.rest()).toHaveLength(0)
  return events
}

function translate(to: 'anthropic' | 'openai', text: string, options = {}): string {
  const translator = new StreamTranslator(to, options)
  return Buffer.concat([translator.push(bytesOf(text)), translator.end()]).toString()
}

/** Checks the grammar of a message's stream and returns its blocks. */
function blocksOf(text: string): Record<string, unknown>[] {
  const events = eventsOf(text)
  for (const { name, data } of events) expect(JSON.parse(data).type).toBe(name)
  const list = events.map(({ data }) => JSON.parse(data) as Event)
  expect(list[0]?.type).toBe('message_start')
  expect(list.slice(-2).map(({ type }) => type)).toEqual(['message_delta', 'message_stop'])
  const blocks: Record<string, unknown>[] = []
  let open = false
  for (const event of list.slice(1, -2)) {
    if (event.type === 'content_block_start') {
      expect(open).toBe(false)
      expect(event.index).toBe(blocks.length)
      blocks.push({ ...event.content_block, json: '' })
      open = true
      continue
    }
    expect(open).toBe(true)
    expect(event.index).toBe(blocks.length - 1)
    const block = blocks.at(-1) as Record<string, string>
    if (event.type === 'content_block_stop') {
      open = false
      continue
    }
    expect(event.type).toBe('content_block_delta')
    const { type: _, partial_json = '', ...delta } = event.delta ?? {}
    block.json += partial_json
    for (const [name, value] of Object.entries(delta)) block[name] = `${block[name] ?? ''}${value}`
  }
  expect(open).toBe(false)
  return blocks
}

const chunk = (delta: object, finish_reason: string | null = null, more: object = {}): string =>
  `data: ${JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    model: 'gpt-4o',
    choices: [{ index: 0, delta, finish_reason }],
    ...more,
  })}\n\n`
const usage = `data: ${JSON.stringify({
  id: 'chatcmpl-1',
  choices: [],
  usage: { prompt_tokens: 30, completion_tokens: 9, prompt_tokens_details: { cached_tokens: 20 } },
})}\n\n`
const done = 'data: [DONE]\n\n'
const args = (index: number, text: string, id?: string, name?: string): string =>
  chunk({ tool_calls: [{ index, ...(id && { id, type: 'function' }), function: { name, arguments: text } }] })

describe('chat chunks as a message', () => {
  it('open and close a block at each change between thinking, text and call', () => {
    const stream = [
      chunk({ role: 'assistant', content: '' }),
      chunk({ reasoning_content: 'Hm' }),
      chunk({ reasoning_content: '.' }),
      chunk({ content: 'I ' }),
      chunk({ content: 'look' }),
      args(0, '', 'call_00001', 'weather'),
      args(0, '{"city":'),
      args(0, '"Rome"}'),
      chunk({}, 'tool_calls'),
      usage,
      done,
    ]
    const text = translate('anthropic', stream.join(''))
    const [thought, said, called, ...more] = blocksOf(text)
    expect(more).toEqual([])
    expect(thought).toMatchObject({ type: 'thinking', thinking: 'Hm.' })
    expect(isSpillwaySigned(thought)).toBe(true)
    expect(said).toMatchObject({ type: 'text', text: 'I look' })
    expect(called).toMatchObject({ type: 'tool_use', id: 'call_00001', name: 'weather', input: {} })
    expect(called?.json).toBe('{"city":"Rome"}')
    expect(text).toContain('"stop_reason":"tool_use"')
  })

  it('say the usage in the last delta, where cached tokens are no part of the input', () => {
    const events = eventsOf(
      translate('anthropic', chunk({ content: 'Hi' }) + chunk({}, 'stop') + usage + done),
    )
    expect(JSON.parse(events[0]?.data ?? '').message.usage).toMatchObject({ input_tokens: 0 })
    expect(JSON.parse(events.at(-2)?.data ?? '')).toMatchObject({
      delta: { stop_reason: 'end_turn' },
      usage: { input_tokens: 10, cache_read_input_tokens: 20, output_tokens: 9 },
    })
  })

  it('hold the last delta until the usage or the end has come', () => {
    const translator = new StreamTranslator('anthropic')
    translator.push(bytesOf(chunk({ content: 'Hi' })))
    expect(Buffer.from(translator.push(bytesOf(chunk({}, 'stop')))).toString()).not.toContain('message_delta')
    expect(Buffer.from(translator.push(bytesOf(usage))).toString()).toContain('message_stop')
    expect(translator.push(bytesOf(done))).toHaveLength(0)
    expect(translator.end()).toHaveLength(0)
  })

  it('pass a text on as it comes', () => {
    const translator = new StreamTranslator('anthropic')
    const first = Buffer.from(translator.push(bytesOf(chunk({ content: 'Hi' })))).toString()
    expect(first).toContain('"text":"Hi"')
  })

  it('put parallel calls that alternate one behind the other, and the text between them too', () => {
    const stream = [
      chunk({ content: 'I ' }),
      args(0, '', 'call_00001', 'a'),
      args(1, '', 'call_00002', 'b'),
      args(0, '{"x":'),
      chunk({ content: 'look' }),
      args(1, '{"y":'),
      args(0, '1}'),
      args(1, '2}'),
      args(2, '{}', 'call_00003', 'c'),
      chunk({}, 'tool_calls'),
      done,
    ]
    const blocks = blocksOf(translate('anthropic', stream.join('')))
    expect(blocks.map(({ type, name, json, text }) => [type, name ?? text, json])).toEqual([
      ['text', 'I ', ''],
      ['tool_use', 'a', '{"x":1}'],
      ['tool_use', 'b', '{"y":2}'],
      ['text', 'look', ''],
      ['tool_use', 'c', '{}'],
    ])
  })

  it('tell calls apart that a server numbers alike, and gives those an id that have none', () => {
    const stream = [
      args(0, '{}', 'call_00001', 'a'),
      args(0, '{}', 'call_00002', 'b'),
      chunk({}, 'stop'),
      done,
    ]
    const blocks = blocksOf(translate('anthropic', stream.join('')))
    expect(blocks.map(({ name, json }) => [name, json])).toEqual([
      ['a', '{}'],
      ['b', '{}'],
    ])
    const nameless = blocksOf(translate('anthropic', args(0, '{}', 'call_0', 'a') + chunk({}, 'stop') + done))
    expect(nameless[0]?.id).toMatch(/^call_[0-9a-f]{24}$/)
  })

  it('end with `tool_use` where a call was made, whatever the server calls it', () => {
    const text = translate('anthropic', args(0, '{}', 'call_00001', 'a') + chunk({}, 'stop') + done)
    expect(text).toContain('"stop_reason":"tool_use"')
  })

  it.each([
    ['stop', 'end_turn'],
    ['length', 'max_tokens'],
    ['content_filter', 'refusal'],
    ['tool_calls', 'end_turn'],
  ])('end for %s with %s', (finish, stop) => {
    const text = translate('anthropic', chunk({ content: 'Hi' }) + chunk({}, finish) + done)
    expect(text).toContain(`"stop_reason":"${stop}"`)
  })

  it('bear comments, and an end without a last word', () => {
    const comment = ': OPENROUTER PROCESSING\n\n'
    const stream = comment + chunk({ content: 'Hi' }) + comment + chunk({}, 'stop')
    expect(blocksOf(translate('anthropic', stream))).toMatchObject([{ type: 'text', text: 'Hi' }])
  })

  it.each<[string, string, string]>([
    ['is cut', '', 'api_error'],
    [
      'has an error',
      'data: {"error":{"code":429,"message":"slow","metadata":{"error_type":"rate_limit_exceeded"}}}\n\n',
      'rate_limit_error',
    ],
    [
      'has a choice that failed',
      chunk({ content: '' }, 'error', { error: { code: 502, message: 'gone' } }),
      'api_error',
    ],
    ['ends with an error and says no more', chunk({ content: '' }, 'error'), 'api_error'],
    [
      'has an event named so',
      'event: error\ndata: {"error":{"type":"overloaded_error"}}\n\n',
      'overloaded_error',
    ],
    ['is not JSON', 'data: {"choi\n\n', 'api_error'],
  ])('end with an error event where the stream %s', (_, last, type) => {
    const events = eventsOf(translate('anthropic', chunk({ content: 'Hi' }) + last))
    expect(events.at(-1)?.name).toBe('error')
    expect(JSON.parse(events.at(-1)?.data ?? '')).toMatchObject({ type: 'error', error: { type } })
  })

  it('say nothing after an error', () => {
    const translator = new StreamTranslator('anthropic')
    translator.push(bytesOf('data: {"error":{"message":"no"}}\n\n'))
    expect(translator.push(bytesOf(chunk({ content: 'Hi' }) + done))).toHaveLength(0)
    expect(translator.end()).toHaveLength(0)
  })

  it('carry what OpenRouter wants to see again in the signature', () => {
    const piece = (fields: object): string =>
      chunk({ reasoning_details: [{ type: 'reasoning.text', index: 0, ...fields }] })
    const stream =
      piece({ text: 'H' }) +
      piece({ text: 'm', signature: 'sig' }) +
      chunk({ content: 'Hi' }) +
      chunk({}, 'stop') +
      done
    const [thought] = blocksOf(translate('anthropic', stream))
    const carried = Buffer.from(String(thought?.signature).split(':')[2] ?? '', 'base64url').toString()
    expect(JSON.parse(carried)).toEqual([{ type: 'reasoning.text', index: 0, text: 'Hm', signature: 'sig' }])
  })
})

const event = (type: string, data: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`
const start = event('message_start', {
  message: {
    id: 'msg_1',
    model: 'claude-opus-5-5',
    usage: { input_tokens: 10, cache_read_input_tokens: 20 },
  },
})
const block = (index: number, content_block: object, ...deltas: object[]): string =>
  event('content_block_start', { index, content_block }) +
  deltas.map((delta) => event('content_block_delta', { index, delta })).join('') +
  event('content_block_stop', { index })
const stop = (stop_reason: string): string =>
  event('message_delta', { delta: { stop_reason }, usage: { output_tokens: 9 } }) + event('message_stop', {})
const text = (index: number, words: string): string =>
  block(index, { type: 'text', text: '' }, { type: 'text_delta', text: words })

type Chunk = {
  readonly choices: readonly {
    readonly delta: Record<string, never>
    readonly finish_reason: string | null
  }[]
  readonly usage?: object | null
  readonly [name: string]: unknown
}

function chunksOf(stream: string): Chunk[] {
  const events = eventsOf(stream)
  expect(events.at(-1)?.data).toBe('[DONE]')
  return events.slice(0, -1).map(({ data }) => JSON.parse(data) as Chunk)
}

describe('a message as chat chunks', () => {
  it('begins with the role and ends with a reason and `[DONE]`', () => {
    const chunks = chunksOf(translate('openai', start + text(0, 'Hi') + stop('end_turn')))
    expect(chunks.map(({ choices }) => choices[0]?.delta)).toEqual([
      { role: 'assistant', content: '', refusal: null },
      { content: 'Hi' },
      {},
    ])
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('stop')
    expect(chunks.every(({ id }) => id === 'chatcmpl-1')).toBe(true)
    expect(chunks.some((each) => 'usage' in each)).toBe(false)
  })

  it('has its usage in a last chunk where that was asked for, with cached tokens in the prompt', () => {
    const chunks = chunksOf(
      translate('openai', start + text(0, 'Hi') + stop('end_turn'), { includeUsage: true }),
    )
    expect(chunks.at(-1)).toMatchObject({
      choices: [],
      usage: {
        prompt_tokens: 30,
        completion_tokens: 9,
        total_tokens: 39,
        prompt_tokens_details: { cached_tokens: 20 },
      },
    })
    expect(chunks.slice(0, -1).every(({ usage: each }) => each === null)).toBe(true)
  })

  it('numbers its calls; one without arguments gets an empty object', () => {
    const use = (id: string): object => ({ type: 'tool_use', id, name: 'weather', input: {} })
    const stream = [
      start,
      text(0, 'I look'),
      block(
        1,
        use('toolu_1'),
        ...['', '{"city":', '"Rome"}'].map((partial_json) => ({ type: 'input_json_delta', partial_json })),
      ),
      block(2, use('toolu_2')),
      stop('tool_use'),
    ]
    const chunks = chunksOf(translate('openai', stream.join('')))
    const calls = chunks.flatMap(
      ({ choices }) => (choices[0]?.delta.tool_calls ?? []) as Record<string, { arguments: string }>[],
    )
    const argumentsOf = (index: number): string =>
      calls
        .filter((call) => (call.index as unknown) === index)
        .map((call) => call.function?.arguments)
        .join('')
    expect(calls.filter(({ id }) => id !== undefined).map(({ id }) => id)).toEqual(['toolu_1', 'toolu_2'])
    expect(argumentsOf(0)).toBe('{"city":"Rome"}')
    expect(argumentsOf(1)).toBe('{}')
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('tool_calls')
  })

  it('gives its thinking as text and as traces with the signature', () => {
    const thinking = block(
      0,
      { type: 'thinking', thinking: '', signature: '' },
      { type: 'thinking_delta', thinking: 'Hm' },
      { type: 'signature_delta', signature: 'EqQB' },
    )
    const hidden = block(1, { type: 'redacted_thinking', data: 'Emx' })
    const chunks = chunksOf(translate('openai', start + thinking + hidden + text(2, 'Hi') + stop('end_turn')))
    const deltas = chunks.map(({ choices }) => choices[0]?.delta)
    expect(deltas.slice(1, 4)).toMatchObject([
      { reasoning_content: 'Hm', reasoning_details: [{ type: 'reasoning.text', text: 'Hm', index: 0 }] },
      { reasoning_details: [{ type: 'reasoning.text', signature: 'EqQB', index: 0 }] },
      { reasoning_details: [{ type: 'reasoning.encrypted', data: 'Emx', index: 1 }] },
    ])
  })

  it.each([
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop'],
    ['max_tokens', 'length'],
    ['model_context_window_exceeded', 'length'],
    ['refusal', 'content_filter'],
    ['pause_turn', 'stop'],
    ['something_new', 'stop'],
  ])('ends for %s with %s', (reason, finish) => {
    const chunks = chunksOf(translate('openai', start + text(0, 'Hi') + stop(reason)))
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe(finish)
  })

  it('keeps the connection alive as it was kept, and ignores what is new', () => {
    const ping = event('ping', {})
    const stream = start + ping + event('something_new', {}) + text(0, 'Hi') + stop('end_turn')
    expect(translate('openai', stream)).toContain(': ping\n\n')
    expect(chunksOf(translate('openai', stream))).toHaveLength(3)
  })

  it('names blocks and citations that have no counterpart', () => {
    const translator = new StreamTranslator('openai')
    const search = block(0, { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: {} })
    const cited = block(1, { type: 'text', text: '' }, { type: 'citations_delta', citation: {} })
    translator.push(bytesOf(start + search + cited + stop('pause_turn')))
    expect(translator.degraded).toEqual(['citations', 'pause_turn', 'server_tools'])
  })

  it.each([
    ['is cut', '', 'server_error'],
    [
      'has an error',
      event('error', { error: { type: 'rate_limit_error', message: 'slow' } }),
      'rate_limit_exceeded',
    ],
    ['is not JSON', 'event: content_block_delta\ndata: {"ty\n\n', 'server_error'],
  ])('ends with an error where the stream %s', (_, last, code) => {
    const events = eventsOf(translate('openai', start + text(0, 'Hi') + last))
    expect(JSON.parse(events.at(-1)?.data ?? '')).toMatchObject({ error: { code } })
  })
})

describe('any chunking', () => {
  const chat = [
    ': comment\n\n',
    chunk({ role: 'assistant', content: '' }),
    chunk({ reasoning: 'Hm é' }),
    chunk({ content: 'I lück 🙂' }),
    args(0, '{"x":', 'call_00001', 'a'),
    args(1, '{"y":', 'call_00002', 'b'),
    chunk({ content: 'more' }),
    args(0, '1}'),
    args(1, '2}'),
    chunk({}, 'tool_calls'),
    usage,
    done,
  ].join('')
  const message = [
    start,
    event('ping', {}),
    text(0, 'I lück 🙂'),
    block(
      1,
      { type: 'tool_use', id: 'toolu_1', name: 'a', input: {} },
      { type: 'input_json_delta', partial_json: '{"x":1}' },
    ),
    stop('tool_use'),
  ].join('')

  it.each<['anthropic' | 'openai', string]>([
    ['anthropic', chat],
    ['openai', message],
  ])('of a stream gives the same stream for callers of %s', (to, stream) => {
    const bytes = bytesOf(stream)
    const expected = translate(to, stream)
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), (cuts) => {
        const translator = new StreamTranslator(to)
        const borders = [0, ...cuts, bytes.length].sort((a, b) => a - b)
        const out = borders.slice(1).map((border, i) => translator.push(bytes.subarray(borders[i], border)))
        expect(Buffer.concat([...out, translator.end()]).toString()).toBe(expected)
      }),
    )
  })

  it('of any mixture of deltas keeps the grammar of a message, and every word and argument', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('text' as const), text: fc.string({ minLength: 1, maxLength: 5 }) }),
      fc.record({ kind: fc.constant('thinking' as const), text: fc.string({ minLength: 1, maxLength: 5 }) }),
      fc.record({ kind: fc.constant('tool' as const), index: fc.nat(3) }),
    )
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), (steps) => {
        const parts = new Map<number, string[]>()
        const stream: string[] = [chunk({ role: 'assistant', content: '' })]
        const words = { text: '', thinking: '' }
        for (const each of steps) {
          if (each.kind !== 'tool') {
            words[each.kind] += each.text
            stream.push(chunk(each.kind === 'text' ? { content: each.text } : { reasoning: each.text }))
            continue
          }
          const left = parts.get(each.index) ?? ['{"a":', '[1,', '2]', '}']
          const isFirst = !parts.has(each.index)
          const part = left.shift()
          parts.set(each.index, left)
          if (part === undefined) continue
          stream.push(
            isFirst
              ? args(each.index, part, `call_0000${each.index}`, `t${each.index}`)
              : args(each.index, part),
          )
        }
        for (const [index, left] of parts) stream.push(...left.map((part) => args(index, part)))
        const blocks = blocksOf(translate('anthropic', stream.join('') + chunk({}, 'stop') + usage + done))
        const joined = (type: string, name: string): string =>
          blocks
            .filter((each) => each.type === type)
            .map((each) => each[name])
            .join('')
        // White space alone between two others is no block: Claude would refuse it.
        const visible = (said: string): string => said.replaceAll(/\s/g, '')
        expect(visible(joined('text', 'text'))).toBe(visible(words.text))
        for (const { type, text } of blocks)
          expect(type === 'text' && visible(String(text)) === '').toBe(false)
        expect(joined('thinking', 'thinking')).toBe(words.thinking)
        const calls = blocks.filter(({ type }) => type === 'tool_use')
        expect(calls.map(({ name }) => name).sort()).toEqual([...parts.keys()].sort().map((i) => `t${i}`))
        for (const { json } of calls) expect(json).toBe('{"a":[1,2]}')
      }),
    )
  })
})
