import Anthropic from '@anthropic-ai/sdk'
import { startOllama } from '@spillway/testing'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import type { Gateway } from '../src/index.ts'
import { configOf, forThisTest, gatewayOf, targetAt } from './gateway.ts'
import { chat, type Json, messages, send } from './raw-client.ts'
import { httpText, rawUpstream, wholeAnswer, wholeStream } from './raw-upstream.ts'

type Api = 'anthropic' | 'openai'

const completion = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1_790_000_000,
  model: 'gpt-5',
  choices: [
    { index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop', logprobs: null },
  ],
  usage: { prompt_tokens: 12, completion_tokens: 15, total_tokens: 27 },
}
const chunk = (delta: object, reason: string | null = null): string => {
  const { choices: _, usage: __, ...base } = completion
  const choices = [{ index: 0, delta, finish_reason: reason }]
  return `data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', choices })}\n\n`
}
const answers: Record<Api, { readonly whole: string; readonly stream: string }> = {
  anthropic: { whole: wholeAnswer, stream: wholeStream },
  openai: {
    whole: JSON.stringify(completion),
    stream: `${chunk({ role: 'assistant', content: 'Hello' })}${chunk({}, 'stop')}data: [DONE]\n\n`,
  },
}

const types = ['application/json', 'text/plain', undefined, 'Text/Event-Stream', 'text/event-stream']

/** A gateway whose first target answers with what the test says, and whose second one is well. */
async function gatewayAt(api: Api) {
  let response: Uint8Array = Buffer.alloc(0)
  const upstream = await rawUpstream((socket) => socket.end(response))
  const local = targetAt(forThisTest(await startOllama()), 'ollama', { model: 'llama3.2' })
  const gateway = await gatewayOf(configOf(targetAt(upstream, api), local))
  const answer = (body: string, type: string | undefined): void => {
    response = httpText(200, { ...(type && { 'content-type': type }), connection: 'close' }, body)
  }
  return { gateway, answer }
}

const anthropicSays = async (gateway: Gateway, stream: boolean): Promise<unknown> => {
  const client = new Anthropic({ apiKey: 'sk-any', baseURL: gateway.url, maxRetries: 0 })
  const body = messages() as unknown as Anthropic.MessageCreateParamsNonStreaming
  const answer = stream
    ? await client.messages.stream(body).finalMessage()
    : await client.messages.create(body)
  const { content, stop_reason, usage } = answer
  return [content, stop_reason, usage.output_tokens]
}

const openAiSays = async (gateway: Gateway, stream: boolean): Promise<unknown> => {
  const client = new OpenAI({ apiKey: 'sk-any', baseURL: `${gateway.url}/v1`, maxRetries: 0 })
  const body = chat() as unknown as OpenAI.ChatCompletionCreateParamsNonStreaming
  const answer = stream
    ? await client.chat.completions.stream({ ...body, stream: true }).finalChatCompletion()
    : await client.chat.completions.create(body)
  return [answer.choices[0]?.message.content, answer.choices[0]?.finish_reason]
}

describe.each<Api>(['anthropic', 'openai'])('an answer of %s', (api) => {
  const forms = Object.entries(answers[api])
  const path = api === 'anthropic' ? 'messages' : 'chat/completions'
  const request = api === 'anthropic' ? messages : chat

  it('is read by what it is, for plain and stream callers of both protocols', async () => {
    const { gateway, answer } = await gatewayAt(api)
    for (const type of types) {
      for (const [form, body] of forms) {
        answer(body, type)
        for (const stream of [false, true]) {
          const [content, reason] = (await anthropicSays(gateway, stream)) as [Json[], string]
          const said = [content.map(({ text }) => text), reason, await openAiSays(gateway, stream)]
          expect([form, type, ...said]).toEqual([form, type, ['Hello'], 'end_turn', ['Hello', 'stop']])
          const { headers } = await send(`${gateway.url}/v1/${path}`, { body: request({ stream }) })
          expect([headers['x-spillway-served-by'], headers['content-type']?.split(';')[0]]).toEqual([
            'claude',
            stream ? 'text/event-stream' : 'application/json',
          ])
        }
      }
    }
  })

  it('falls back where it is neither JSON nor a stream, or no answer', async () => {
    const { gateway, answer } = await gatewayAt(api)
    for (const body of ['<html>down</html>', 'error: no capacity\n', '{"status":"ok"}', '']) {
      for (const type of ['text/plain', 'text/event-stream']) {
        answer(body, type)
        for (const stream of [false, true]) {
          const { status, headers } = await send(`${gateway.url}/v1/${path}`, { body: request({ stream }) })
          expect([body, status, headers['x-spillway-fallback']]).toEqual([body, 200, 'malformed'])
        }
      }
    }
  })
})

it('a stream under another name is passed on as it comes', async () => {
  let finish = (): void => {}
  const upstream = await rawUpstream((socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n')
    socket.write(wholeStream.slice(0, wholeStream.indexOf('event: content_block_stop')))
    finish = () => socket.end(wholeStream.slice(wholeStream.indexOf('event: content_block_stop')))
  })
  const gateway = await gatewayOf(configOf(targetAt(upstream, 'anthropic')))
  const response = await fetch(`${gateway.url}/v1/messages`, {
    method: 'POST',
    headers: { 'x-api-key': 'sk-any' },
    body: JSON.stringify(messages({ stream: true })),
  })
  const text: string[] = []
  for await (const piece of response.body ?? []) {
    text.push(Buffer.from(piece).toString())
    if (text.join('').includes('Hello')) finish()
  }
  expect(text.join('')).toBe(wholeStream)
})
