import type { JsonObject } from '@spillway/middleware/kit'
import { describe, expect, it } from 'vitest'
import { chatToResponses } from './request-to-responses.ts'

const chat = (more: JsonObject): JsonObject => ({
  model: 'gpt-5.5',
  messages: [{ role: 'user', content: 'a' }],
  ...more,
})

describe('a chat request for a server of the Responses API', () => {
  it('is stateless, with its settings by their names there', () => {
    const body = chat({
      messages: [
        { role: 'system', content: 'Be brief.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'See' },
            { type: 'image_url', image_url: { url: 'https://a/b.png' } },
          ],
        },
      ],
      max_completion_tokens: 100,
      reasoning_effort: 'low',
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'point', schema: { type: 'object' }, strict: true },
      },
      tools: [{ type: 'function', function: { name: 'look', parameters: { type: 'object' } } }],
      tool_choice: { type: 'function', function: { name: 'look' } },
      stream: true,
      stream_options: { include_usage: true },
    })
    expect(chatToResponses(body)).toEqual({
      degraded: [],
      body: {
        model: 'gpt-5.5',
        input: [
          { role: 'developer', content: 'Be brief.' },
          {
            role: 'user',
            content: [
              { type: 'input_text', text: 'See' },
              { type: 'input_image', image_url: 'https://a/b.png', detail: 'auto' },
            ],
          },
        ],
        tools: [{ type: 'function', name: 'look', parameters: { type: 'object' }, strict: false }],
        tool_choice: { type: 'function', name: 'look' },
        max_output_tokens: 100,
        reasoning: { effort: 'low', summary: 'auto' },
        text: { format: { type: 'json_schema', name: 'point', schema: { type: 'object' }, strict: true } },
        include: ['reasoning.encrypted_content'],
        store: false,
        stream: true,
      },
    })
  })

  it('keeps reasoning that the server has encrypted before what it has led to', () => {
    const details = [
      { type: 'reasoning.summary', summary: 'Hm', index: 0 },
      { type: 'reasoning.encrypted', data: 'gAAAAABo', id: 'rs_1', format: 'openai-responses-v1', index: 0 },
    ]
    const call = { id: 'call_1', type: 'function', function: { name: 'look', arguments: '' } }
    const messages = [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: null, reasoning_details: details, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'call_1', content: 'b' },
    ]
    const { body, degraded } = chatToResponses(chat({ messages }))
    expect(body.input).toEqual([
      { role: 'user', content: 'a' },
      {
        type: 'reasoning',
        id: 'rs_1',
        summary: [{ type: 'summary_text', text: 'Hm' }],
        encrypted_content: 'gAAAAABo',
      },
      { type: 'function_call', call_id: 'call_1', name: 'look', arguments: '{}' },
      { type: 'function_call_output', call_id: 'call_1', output: 'b' },
    ])
    expect(degraded).toEqual([])
  })

  it('leaves a model that shall not think its own effort, since not all have a lowest one', () => {
    const { body, degraded } = chatToResponses(chat({ model: 'gpt-6.1-sol', reasoning: { enabled: false } }))
    expect(body.reasoning).toEqual({ summary: 'auto' })
    expect(degraded).toEqual(['thinking'])
  })

  it('asks models that do not think for no reasoning, which they refuse', () => {
    const { body } = chatToResponses(chat({ model: 'gpt-4o', reasoning_effort: 'low' }))
    expect(body).not.toHaveProperty('include')
    expect(body).not.toHaveProperty('reasoning')
  })

  it.each<[JsonObject, string]>([
    [{ stop: ['a'] }, 'stop_sequences'],
    [{ seed: 1 }, 'seed'],
    [{ n: 2 }, 'choices'],
    [{ max_tokens: 1 }, 'max_tokens'],
    [{ frequency_penalty: 1 }, 'penalties'],
    [{ logprobs: true }, 'logprobs'],
    [{ tools: [{ type: 'custom', custom: { name: 'a' } }] }, 'custom_tools'],
    [{ wanted: 1 }, 'unknown_fields'],
  ])('names what it loses: %o', (more, loss) => {
    expect(chatToResponses(chat(more)).degraded).toEqual([loss])
  })
})
