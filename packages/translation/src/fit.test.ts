import Anthropic from '@anthropic-ai/sdk'
import { attempt, fetchTransport, modelFetch } from '@spillway/attempt'
import { fallback, target } from '@spillway/circuit-breaker-fallback'
import { compose, deriveRequest, type Handler, type Middleware } from '@spillway/middleware'
import { type SimulatedServer, startClaude, startOllama } from '@spillway/testing'
import { expect, it } from 'vitest'
import { fit, translate } from './index.ts'

/** A target at a server: `middleware`, then an attempt at it, whatever base the caller has. */
function at(server: SimulatedServer, ...middleware: Middleware[]): Handler {
  const here: Middleware = (next) => (request) => {
    const path = new URL(request.url).pathname
    return next(deriveRequest(request, { url: server.url + path }))
  }
  return compose([...middleware, here], attempt(fetchTransport(fetch)))
}

const useModel =
  (model: string): Middleware =>
  (next) =>
  (request) => {
    const bytes = Buffer.from(JSON.stringify({ ...request.body.json, model }))
    return next(deriveRequest(request, { body: { bytes, json: JSON.parse(bytes.toString()) } }))
  }

function client(handler: Handler): Anthropic {
  const fetched = modelFetch(handler, { otherwise: fetch })
  return new Anthropic({ apiKey: 'sk-test', baseURL: 'http://caller.test', maxRetries: 0, fetch: fetched })
}

const tools = [{ name: 'step', input_schema: { type: 'object' as const } }]

it.each([false, true])(
  'a tool loop goes from Claude to a local model and back, stream %s',
  async (stream) => {
    let steps = 0
    const reply = (who: string) => () => ({
      thinking: `${who} thinks. ${++steps}`,
      thinkingField: 'reasoning_content' as const,
      toolUse: [{ name: 'step', input: { steps } }],
    })
    await using claude = await startClaude({ checkThinking: true, reply: reply('Claude') })
    await using local = await startOllama({ reply: reply('The local model') })
    const plan = target(
      'local',
      at(
        local,
        fit({ model: 'llama3.2' }),
        useModel('llama3.2'),
        translate({ to: 'openai', dialect: 'ollama' }),
      ),
      { model: 'llama3.2' },
    )
    const anthropic = client(compose([fallback([plan])], target('claude', at(claude, fit())).handler))
    const messages: Anthropic.MessageParam[] = [{ role: 'user', content: 'Go' }]
    const answers: Anthropic.Message[] = []
    for (const isDown of [false, true, true, false, false]) {
      claude.always(isDown ? { type: 'status', status: 529 } : undefined)
      const params = { model: 'claude-opus-5-5', max_tokens: 500, tools, messages }
      const message = stream
        ? await anthropic.messages.stream(params).finalMessage()
        : await anthropic.messages.create(params)
      answers.push(message)
      messages.push({ role: 'assistant', content: message.content })
      const results = message.content.flatMap((block) =>
        block.type === 'tool_use'
          ? [{ type: 'tool_result' as const, tool_use_id: block.id, content: 'ok' }]
          : [],
      )
      messages.push({ role: 'user', content: results })
    }
    expect(answers.map(({ model }) => model)).toEqual([
      'claude-opus-5-5',
      'llama3.2',
      'llama3.2',
      'claude-opus-5-5',
      'claude-opus-5-5',
    ])
    // Claude refuses what it has not signed, what has changed and what does not come first; so all that is left to see
    // is that its own came back.
    const last = claude.requests.at(-1)?.json as { messages: { content: unknown }[] }
    const thoughts = last.messages.flatMap(({ content }) =>
      Array.isArray(content) ? content.filter(({ type }) => type === 'thinking') : [],
    )
    expect(thoughts).toEqual([answers[0]?.content[0], answers[3]?.content[0]])
    expect(local.requests.map(({ json }) => JSON.stringify(json)).join()).not.toContain('thinks')
  },
)

it('names the losses of both, and goes on to the next target where nothing can be reduced', async () => {
  await using small = await startOllama()
  await using large = await startOllama()
  const options = { model: 'llama3.2', capabilities: { contextTokens: 1000 } }
  const handler = compose(
    [
      fallback([
        target(
          'large',
          at(large, useModel('llama3.2'), fit(), translate({ to: 'openai', dialect: 'ollama' })),
        ),
      ]),
    ],
    target(
      'small',
      at(small, useModel('llama3.2'), fit(options), translate({ to: 'openai', dialect: 'ollama' })),
    ).handler,
  )
  const ask = (content: string) =>
    client(handler)
      .messages.create({
        model: 'claude-opus-5-5',
        max_tokens: 5000,
        metadata: { user_id: 'u' },
        messages: [{ role: 'user', content }],
      })
      .withResponse()
  const { response } = await ask('Hi')
  expect(response.headers.get('x-spillway-degraded')).toBe('max_tokens, metadata')
  await ask('x'.repeat(9000))
  expect([small.requests.length, large.requests.length]).toEqual([1, 1])
})

it('refuses in the caller’s protocol where nobody is left', async () => {
  await using server = await startClaude()
  const anthropic = client(at(server, fit({ capabilities: { tools: false } })))
  const asking = anthropic.messages.create({
    model: 'claude-opus-5-5',
    max_tokens: 10,
    tools,
    messages: [{ role: 'user', content: 'Hi' }],
  })
  await expect(asking).rejects.toMatchObject({
    status: 400,
    error: {
      error: { type: 'invalid_request_error', message: 'claude-opus-5-5: the model cannot use tools' },
    },
  })
  expect(server.requests).toHaveLength(0)
})

it('a translated stream that breaks off is gone on from by another translated target', async () => {
  await using first = await startOllama({ reply: { text: 'One two three four' }, separateWrites: true })
  await using second = await startOllama({ reply: { text: 'three four five' } })
  first.next({ type: 'cut', at: 'after-content', how: 'end', afterChunks: 2 })
  const local = (server: SimulatedServer): Handler =>
    at(server, useModel('llama3.2'), fit(), translate({ to: 'openai', dialect: 'ollama' }))
  const handler = compose(
    [fallback([target('second', local(second))], { midStream: 'continue' })],
    target('first', local(first)).handler,
  )
  const stream = client(handler).messages.stream({
    model: 'claude-opus-5-5',
    max_tokens: 500,
    messages: [{ role: 'user', content: 'Count' }],
  })
  const message = await stream.finalMessage()
  expect(message.content).toMatchObject([{ type: 'text', text: 'One two three four five' }])
  expect(message.id).toMatch(/^msg_/)
})
