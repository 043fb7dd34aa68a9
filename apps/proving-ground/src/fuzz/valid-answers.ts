import type { Dice } from './dice.ts'
import type { AskedOfUpstream } from './fuzz-case.ts'
import type { Json } from './json-mutations.ts'
import { words } from './words.ts'

/** A whole answer, or the events of a stream; `data` is what the event carries. */
export interface AnswerTree {
  readonly isStream: boolean
  readonly api: 'anthropic' | 'openai'
  /** Of an answer that is not a stream. */
  readonly whole: { [name: string]: Json }
  readonly events: readonly AnswerEvent[]
}

export interface AnswerEvent {
  /** Undefined in chat completions, which do not name their events. */
  readonly name: string | undefined
  readonly data: Json | '[DONE]'
}

type Tree = { [name: string]: Json }

/** A valid answer to what was asked, with the marker in its text. */
export function validAnswer(dice: Dice, asked: AskedOfUpstream, marker: string): AnswerTree {
  const { api, stream } = asked
  if (asked.isCount)
    return { isStream: false, api: 'anthropic', whole: { input_tokens: 1 + dice.int(5_000) }, events: [] }
  if (api === 'openai') {
    return stream
      ? { isStream: true, api, whole: {}, events: chatEvents(dice, marker) }
      : { isStream: false, api, whole: chatAnswer(dice, marker), events: [] }
  }
  return stream
    ? { isStream: true, api: 'anthropic', whole: {}, events: messageEvents(dice, marker) }
    : { isStream: false, api: 'anthropic', whole: message(dice, marker), events: [] }
}

function usage(dice: Dice): Tree {
  const plain: Tree = { input_tokens: 1 + dice.int(2_000), output_tokens: 1 + dice.int(500) }
  if (dice.chance(0.3))
    Object.assign(plain, {
      cache_read_input_tokens: dice.int(3_000),
      cache_creation_input_tokens: dice.int(200),
      service_tier: 'standard',
    })
  return plain
}

function blocks(dice: Dice, marker: string): Tree[] {
  const list: Tree[] = []
  if (dice.chance(0.2)) list.push({ type: 'thinking', thinking: words(dice, 6), signature: 'c2lnbmF0dXJl' })
  if (dice.chance(0.03)) list.push({ type: 'redacted_thinking', data: 'EmwKAhgB' })
  list.push({ type: 'text', text: `${words(dice, 8)}${marker}` })
  if (dice.chance(0.2))
    list.push({
      type: 'tool_use',
      id: `toolu_${dice.int(1e6)}`,
      name: 'get_weather',
      input: { city: 'Zürich', days: dice.int(9) },
    })
  return list
}

const stopOf = (list: readonly Tree[]): string => (list.at(-1)?.type === 'tool_use' ? 'tool_use' : 'end_turn')

function message(dice: Dice, marker: string): Tree {
  const content = blocks(dice, marker)
  return {
    id: `msg_${dice.int(1e9)}`,
    type: 'message',
    role: 'assistant',
    model: 'claude-sonnet-5-5',
    content,
    stop_reason: stopOf(content),
    stop_sequence: null,
    usage: usage(dice),
  }
}

function messageEvents(dice: Dice, marker: string): AnswerEvent[] {
  const list = blocks(dice, marker)
  const events: AnswerEvent[] = []
  const add = (name: string, data: Tree): void => void events.push({ name, data: { type: name, ...data } })
  const { output_tokens: output = 1, ...counts } = usage(dice)
  add('message_start', {
    message: {
      id: `msg_${dice.int(1e9)}`,
      type: 'message',
      role: 'assistant',
      model: 'claude-sonnet-5-5',
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { ...counts, output_tokens: 1 },
    },
  })
  if (dice.chance(0.5)) add('ping', {})
  list.forEach((block, index) => {
    const [start, deltas] = partsOf(block)
    add('content_block_start', { index, content_block: start })
    for (const delta of deltas) add('content_block_delta', { index, delta })
    add('content_block_stop', { index })
  })
  add('message_delta', {
    delta: { stop_reason: stopOf(list), stop_sequence: null },
    usage: { output_tokens: output },
  })
  add('message_stop', {})
  return events
}

function partsOf(block: Tree): [start: Tree, deltas: Tree[]] {
  if (block.type === 'text') {
    const text = block.text as string
    const half = text.length >> 1
    return [
      { type: 'text', text: '' },
      [text.slice(0, half), text.slice(half)].map((each) => ({ type: 'text_delta', text: each })),
    ]
  }
  if (block.type === 'thinking')
    return [
      { type: 'thinking', thinking: '', signature: '' },
      [
        { type: 'thinking_delta', thinking: block.thinking as string },
        { type: 'signature_delta', signature: block.signature as string },
      ],
    ]
  if (block.type === 'tool_use') {
    const json = JSON.stringify(block.input)
    return [
      { ...block, input: {} },
      ['', json.slice(0, 9), json.slice(9)].map((partial_json) => ({
        type: 'input_json_delta',
        partial_json,
      })),
    ]
  }
  return [block, []]
}

function chatUsage(dice: Dice): Tree {
  const prompt = 1 + dice.int(2_000)
  const completion = 1 + dice.int(500)
  const plain: Tree = {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
  }
  if (dice.chance(0.3)) plain.prompt_tokens_details = { cached_tokens: dice.int(prompt) }
  if (dice.chance(0.2)) Object.assign(plain, { cost: 0.00125, is_byok: false })
  return plain
}

const toolCall = (dice: Dice): Tree => ({
  id: `call_${dice.int(1e6)}`,
  type: 'function',
  function: { name: 'get_weather', arguments: '{"city":"Zürich"}' },
})

function chatBase(dice: Dice, object: string): Tree {
  return { id: `chatcmpl-${dice.int(1e9)}`, object, created: 1_700_000_000, model: 'gpt-5' }
}

function chatAnswer(dice: Dice, marker: string): Tree {
  const text = `${words(dice, 8)}${marker}`
  const answer: Tree = { role: 'assistant', content: text }
  let reason = 'stop'
  if (dice.chance(0.2)) {
    answer.tool_calls = [toolCall(dice)]
    reason = 'tool_calls'
  }
  if (dice.chance(0.1)) answer.reasoning = words(dice, 5)
  return {
    ...chatBase(dice, 'chat.completion'),
    choices: [{ index: 0, message: answer, finish_reason: reason, logprobs: null }],
    usage: chatUsage(dice),
  }
}

function chatEvents(dice: Dice, marker: string): AnswerEvent[] {
  const base = chatBase(dice, 'chat.completion.chunk')
  const events: AnswerEvent[] = []
  const add = (delta: Tree, reason: string | null = null): void =>
    void events.push({
      name: undefined,
      data: { ...base, choices: [{ index: 0, delta, finish_reason: reason }] },
    })
  add({ role: 'assistant', content: '' })
  if (dice.chance(0.1)) add({ reasoning: words(dice, 5) })
  const text = `${words(dice, 8)}${marker}`
  const half = text.length >> 1
  add({ content: text.slice(0, half) })
  add({ content: text.slice(half) })
  if (dice.chance(0.2)) {
    const { id = '', type = '' } = toolCall(dice)
    add({ tool_calls: [{ index: 0, id, type, function: { name: 'get_weather', arguments: '' } }] })
    add({ tool_calls: [{ index: 0, function: { arguments: '{"city":' } }] })
    add({ tool_calls: [{ index: 0, function: { arguments: '"Zürich"}' } }] })
    add({}, 'tool_calls')
  } else add({}, 'stop')
  if (dice.chance(0.7))
    events.push({ name: undefined, data: { ...base, choices: [], usage: chatUsage(dice) } })
  events.push({ name: undefined, data: '[DONE]' })
  return events
}
