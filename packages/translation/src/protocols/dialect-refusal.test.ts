import type { Failure } from '@spillway/middleware'
import type { JsonObject } from '@spillway/middleware/kit'
import { classifyHttpError } from '@spillway/wire'
import { describe, expect, it } from 'vitest'
import { chatDialects, dialectOfUrl } from './dialect.ts'
import { dialectRefused } from './dialect-refusal.ts'
import { requestToOpenAi } from './request-to-openai.ts'

const tool = { name: 'f', input_schema: { type: 'object', additionalProperties: false }, strict: true }
const asked: JsonObject = {
  model: 'gpt-5',
  max_tokens: 100,
  stream: true,
  system: 'Be brief.',
  messages: [{ role: 'user', content: 'Hi' }],
  metadata: { user_id: 'u' },
  tools: [tool],
  tool_choice: { type: 'auto', disable_parallel_tool_use: true },
  output_config: { effort: 'high' },
  service_tier: 'standard_only',
}
const sent = requestToOpenAi(asked, 'openai').body
const compatible = requestToOpenAi(asked, 'openai-compatible').body

function refused(status: number, body: JsonObject, request: JsonObject = sent): unknown {
  return dialectRefused(classifyHttpError(status, {}, body, 0), () => request)
}

const openAiError = (message: string, param?: string, code?: string): JsonObject => ({
  error: { message, type: 'invalid_request_error', param: param ?? null, code: code ?? null },
})

/** What servers said in 2025 and 2026, by reports of their users. */
const developer =
  'Failed to deserialize the JSON body into the target type: messages[0].role: unknown variant `developer`, expected one of `system`, `user`, `assistant`, `tool` at line 1 column 85'
const tags =
  "Input tag 'developer' found using 'role' does not match any of the expected tags: 'system', 'user', 'assistant', 'tool'"
const extra = (...fields: string[]): JsonObject[] =>
  fields.map((name) => ({
    type: 'extra_forbidden',
    loc: ['body', name],
    msg: 'Extra inputs are not permitted',
  }))

describe('a field that a server refuses', () => {
  it.each<[string, number, JsonObject, unknown]>([
    ['DeepSeek', 400, openAiError(developer), { systemRole: 'system' }],
    ['DeepSeek, earlier', 422, openAiError(developer), { systemRole: 'system' }],
    ['a server with FastAPI', 400, openAiError(tags), { systemRole: 'system' }],
    [
      'Mistral',
      422,
      {
        object: 'error',
        message: { detail: extra('max_completion_tokens', 'store') },
        type: 'invalid_request_error',
      },
      { maxTokens: 'max_tokens' },
    ],
    [
      'FastAPI',
      422,
      { detail: extra('safety_identifier', 'max_completion_tokens', 'stream_options') },
      { user: undefined, maxTokens: 'max_tokens', streamOptions: false },
    ],
    [
      'vLLM',
      400,
      {
        object: 'error',
        message:
          "[{'type': 'extra_forbidden', 'loc': ('body', 'max_completion_tokens'), 'msg': 'Extra inputs are not permitted', 'input': 8192}]",
        type: 'BadRequestError',
        code: 400,
      },
      { maxTokens: 'max_tokens' },
    ],
    ['Groq', 400, openAiError("property 'safety_identifier' is unsupported"), { user: undefined }],
    [
      'OpenAI',
      400,
      openAiError('Unrecognized request argument supplied: safety_identifier'),
      { user: undefined },
    ],
    ['OpenAI', 400, openAiError("Unknown parameter: 'reasoning_effort'."), { reasoning: 'none' }],
    [
      'another one',
      400,
      openAiError('parallel_tool_calls is not supported by this model'),
      { parallelToolCalls: false },
    ],
    [
      'another one',
      400,
      openAiError('unknown field `strict`, expected `name` or `parameters`'),
      { strict: false },
    ],
    ['another one', 400, { error: 'unknown field "stream_options"' }, { streamOptions: false }],
  ])('tells how to write the request for it: %s, %i %o', (_, status, body, expected) => {
    expect(refused(status, body)).toEqual(expected)
  })

  it('may be the older one', () => {
    const message =
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    expect(refused(400, openAiError(message, 'max_tokens', 'unsupported_parameter'), compatible)).toEqual({
      maxTokens: 'max_completion_tokens',
    })
  })

  it.each<[string, number, JsonObject]>([
    ['of which the value is wrong', 400, openAiError('max_completion_tokens: must be at most 8192')],
    ['that was not sent', 400, openAiError("Unknown parameter: 'top_k'.")],
    ['that is the caller’s own', 400, openAiError("Unknown parameter: 'temperature'.")],
    [
      'that is among those taken instead',
      400,
      openAiError('unknown field `foo`, expected one of `max_completion_tokens`, `stream_options`'),
    ],
    [
      'of which something else is told',
      400,
      openAiError('the developer of this model does not support images'),
    ],
    ['with another status', 404, openAiError("Unknown parameter: 'safety_identifier'.")],
    ['with another status', 500, openAiError("Unknown parameter: 'safety_identifier'.")],
    ['by its limit', 429, openAiError('service_tier is not supported')],
  ])('tells nothing %s: %i %o', (_, status, body) => {
    expect(refused(status, body)).toBeUndefined()
  })

  it('tells nothing in an answer that has begun', () => {
    const failure: Failure = {
      kind: 'invalid_request',
      message: "Unknown parameter: 'safety_identifier'.",
      retryable: false,
      scope: 'request',
      origin: 'upstream',
    }
    expect(dialectRefused(failure, () => sent)).toBeUndefined()
    expect(dialectRefused({ ...failure, status: 400, origin: 'spillway' }, () => sent)).toBeUndefined()
  })
})

describe('the dialects', () => {
  it.each([
    ['https://api.openai.com/v1', 'openai'],
    ['https://eu.api.openai.com', 'openai'],
    ['https://mine.openai.azure.com/openai/v1', 'openai'],
    ['https://api.deepseek.com', 'deepseek'],
    ['https://api.groq.com/openai/v1', 'groq'],
    ['https://API.Mistral.ai/v1', 'mistral'],
    ['https://api.together.ai/v1', 'openai-compatible'],
    ['https://api.openai.com.evil.example', 'openai-compatible'],
    ['https://notopenai.com', 'openai-compatible'],
    ['http://127.0.0.1:8000', 'openai-compatible'],
    ['', 'openai-compatible'],
  ])('are told by the host of %s', (url, expected) => {
    expect(dialectOfUrl(url)).toBe(expected)
  })

  it('of compatible servers have only what all of them take', () => {
    const { body, degraded } = requestToOpenAi({ ...asked, model: 'ds-1' }, 'openai-compatible')
    expect(body).toMatchObject({
      max_tokens: 100,
      messages: [{ role: 'system', content: 'Be brief.' }, { role: 'user' }],
    })
    expect(Object.keys(body)).not.toEqual(
      expect.arrayContaining(['safety_identifier', 'user', 'max_completion_tokens', 'service_tier']),
    )
    expect(degraded).toEqual(['effort', 'metadata', 'service_tier'])
  })

  it('of Mistral have ids of nine letters and digits, the same for a call and its result', () => {
    const use = { type: 'tool_use', id: 'toolu_01ABCDEFGH', name: 'f', input: {} }
    const messages = [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: [use] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: use.id, content: 'r' }] },
    ]
    const { body } = requestToOpenAi({ ...asked, messages }, 'mistral')
    const [, , call, result] = body.messages as {
      tool_calls: [{ id: string }]
      tool_call_id: string
    }[]
    expect(call?.tool_calls[0].id).toMatch(/^[a-zA-Z0-9]{9}$/)
    expect(result?.tool_call_id).toBe(call?.tool_calls[0].id)
  })

  it('of DeepSeek give its own reasoning back beside calls, and only its own', () => {
    const use = { type: 'tool_use', id: 'toolu_1', name: 'f', input: {} }
    const loop = (...thoughts: JsonObject[]): JsonObject[] => [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: [...thoughts, use] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: use.id, content: 'r' }] },
    ]
    const reasoningOf = (...thoughts: JsonObject[]): unknown =>
      (
        requestToOpenAi({ ...asked, messages: loop(...thoughts) }, 'deepseek').body.messages as JsonObject[]
      )[2]?.reasoning_content
    expect(reasoningOf({ type: 'thinking', thinking: 'Hm', signature: 'spillway:1' })).toBe('Hm')
    expect(reasoningOf({ type: 'thinking', thinking: 'Hm', signature: 'EqQB' })).toBe('')
    expect(reasoningOf()).toBe('')
  })

  it.each<[JsonObject, JsonObject, string[]]>([
    [{ output_config: { effort: 'max' } }, { reasoning_effort: 'max' }, []],
    [{ output_config: { effort: 'low' } }, { reasoning_effort: 'high' }, ['effort']],
    [{ thinking: { type: 'disabled' } }, { thinking: { type: 'disabled' } }, []],
    [{ output_config: { format: { type: 'json_schema', schema: {} } } }, {}, ['structured_output']],
  ])('of DeepSeek know two efforts, thinking that is off, and no schema: %o', (fields, expected, losses) => {
    const base = { model: 'deepseek-chat', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] }
    const { body, degraded } = requestToOpenAi({ ...base, ...fields }, 'deepseek')
    expect(body).toEqual({ ...base, ...expected })
    expect(degraded).toEqual(losses)
  })

  it('end the efforts of open models where these end', () => {
    const body = { ...asked, model: 'openai/gpt-oss-120b', output_config: { effort: 'xhigh' } }
    expect(requestToOpenAi(body, 'groq').body).toMatchObject({ reasoning_effort: 'high' })
    expect(chatDialects.groq.reasoning).toBe('effort')
  })
})
