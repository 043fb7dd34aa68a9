import type { Dice } from './dice.ts'
import type { Json } from './json-mutations.ts'
import { words } from './words.ts'

/** A valid body of chat completions; the marker is in its last text. */
export function chatBody(dice: Dice, model: string, marker: string): { [name: string]: Json } {
  const withTools = dice.chance(0.35)
  const body: { [name: string]: Json } = { model, messages: turnsOf(dice, marker, withTools) }
  if (dice.chance(0.45)) {
    body.stream = dice.chance(0.9)
    if (dice.chance(0.6)) body.stream_options = { include_usage: dice.chance(0.9) }
  }
  if (withTools) {
    body.tools = toolsOf(dice)
    if (dice.chance(0.4))
      body.tool_choice = dice.pick<Json>([
        'auto',
        'none',
        'required',
        { type: 'function', function: { name: 'get_weather' } },
      ])
    if (dice.chance(0.2)) body.parallel_tool_calls = dice.chance(0.5)
  }
  if (dice.chance(0.5)) body[dice.pick(['max_tokens', 'max_completion_tokens'])] = dice.pick([1, 100, 4096])
  if (dice.chance(0.3)) body.temperature = dice.pick([0, 0.7, 1, 2])
  if (dice.chance(0.1)) body.stop = dice.pick<Json>(['END', ['a', 'b']])
  if (dice.chance(0.1)) body.seed = dice.int(1000)
  if (dice.chance(0.05)) body.n = dice.pick([1, 2])
  if (dice.chance(0.1)) body.user = `user_${dice.int(50)}`
  if (dice.chance(0.1)) body.reasoning_effort = dice.pick(['minimal', 'low', 'high'])
  if (dice.chance(0.05)) body.reasoning = { max_tokens: 1000 }
  if (dice.chance(0.05)) body.logprobs = true
  if (dice.chance(0.1))
    body.response_format = dice.pick<Json>([
      { type: 'text' },
      { type: 'json_object' },
      {
        type: 'json_schema',
        json_schema: {
          name: 'a',
          strict: true,
          schema: {
            type: 'object',
            properties: { x: { type: 'number' } },
            required: ['x'],
            additionalProperties: false,
          },
        },
      },
    ])
  if (dice.chance(0.05)) body.provider = { order: ['anthropic'], allow_fallbacks: true }
  if (dice.chance(0.03)) body.models = ['anthropic/claude-sonnet-5.5', 'openai/gpt-5']
  if (dice.chance(0.03)) body.logit_bias = { '50256': -100 }
  return body
}

function toolsOf(dice: Dice): Json {
  const tools: Json[] = [
    {
      type: 'function',
      function: {
        name: 'get_weather',
        description: words(dice, 10),
        parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
      },
    },
  ]
  if (dice.chance(0.2)) tools.push({ type: 'function', function: { name: 'now', strict: true } })
  return tools
}

function turnsOf(dice: Dice, marker: string, withTools: boolean): Json {
  const turns: Json[] = []
  if (dice.chance(0.6)) turns.push({ role: dice.pick(['system', 'developer']), content: words(dice, 20) })
  for (let left = dice.pick([0, 0, 0, 1, 1, 2, 4]); left > 0; left--) {
    turns.push({ role: 'user', content: words(dice, 15) })
    if (withTools && dice.chance(0.5)) {
      const id = `call_${dice.int(1e6)}`
      const call: Json = {
        id,
        type: 'function',
        function: { name: 'get_weather', arguments: '{"city":"Zürich"}' },
      }
      turns.push({
        role: 'assistant',
        content: dice.pick<Json>([null, '', 'Let me look.']),
        tool_calls: [call],
      })
      turns.push({
        role: 'tool',
        tool_call_id: id,
        content: dice.pick<Json>([words(dice, 5), [{ type: 'text', text: 'sunny' }]]),
      })
    }
    const answer: { [name: string]: Json } = { role: 'assistant', content: words(dice, 15) }
    if (dice.chance(0.1)) answer.refusal = null
    if (dice.chance(0.1)) answer.reasoning = words(dice, 5)
    turns.push(answer)
  }
  const text = `${words(dice, 12)}${marker}`
  turns.push({ role: 'user', content: dice.chance(0.6) ? text : partsOf(dice, text) })
  return turns
}

function partsOf(dice: Dice, text: string): Json {
  const parts: Json[] = []
  if (dice.chance(0.5)) {
    const url = dice.pick([
      'https://example.com/a.png',
      'data:image/jpg;base64,/9j/4AAQSkZJRg==',
      'data:,',
      'data:image/png;base64,@@@',
    ])
    parts.push({ type: 'image_url', image_url: { url, detail: 'low' } })
  }
  if (dice.chance(0.1)) parts.push({ type: 'input_audio', input_audio: { data: 'UklGRg==', format: 'wav' } })
  if (dice.chance(0.1))
    parts.push({
      type: 'file',
      file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERi0=' },
    })
  parts.push({ type: 'text', text })
  return parts
}
