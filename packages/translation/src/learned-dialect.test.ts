import {
  createRequest,
  type Failure,
  type Handler,
  listen,
  type ModelResponse,
  type SpillwayEvent,
} from '@spillway/middleware'
import { bodyOf, type JsonObject, jsonBodyFromObject } from '@spillway/middleware/kit'
import { type VirtualClock, virtualClock } from '@spillway/testing'
import { classifyHttpError, failureResponse } from '@spillway/wire'
import { describe, expect, it } from 'vitest'
import { degradedHeader, translate } from './index.ts'

const answer = { choices: [{ message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }] }

/** A server that refuses some fields, one at a time, and counts what it is sent. */
function server(refused: (body: JsonObject) => string | undefined, status = 400) {
  const bodies: JsonObject[] = []
  const handler: Handler = async (request) => {
    const body = JSON.parse(Buffer.from(request.body.bytes).toString()) as JsonObject
    bodies.push(body)
    const message = refused(body)
    if (message !== undefined) {
      const failure: Failure = classifyHttpError(status, {}, { error: { message } }, 0)
      return failureResponse(request, failure)
    }
    return {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: bodyOf(Buffer.from(JSON.stringify(answer))),
      failure: undefined,
      outcome: new Promise(() => {}),
      target: undefined,
    }
  }
  return { bodies, handler }
}

const strict = (body: JsonObject): string | undefined => {
  const [first] = body.messages as { role: string }[]
  if (first?.role === 'developer') {
    return 'messages[0].role: unknown variant `developer`, expected one of `system`, `user`'
  }
  const name = ['max_completion_tokens', 'safety_identifier', 'parallel_tool_calls'].find(
    (each) => each in body,
  )
  return name && `Unrecognized request argument supplied: ${name}`
}

interface Asking {
  readonly clock?: VirtualClock
  readonly model?: string
  readonly events?: SpillwayEvent[]
}

function ask(
  handler: Handler,
  { clock = virtualClock(), model = 'm', events = [] }: Asking = {},
): Promise<ModelResponse> {
  const body = {
    model,
    max_tokens: 100,
    system: 'Be brief.',
    messages: [{ role: 'user', content: 'Hi' }],
    metadata: { user_id: 'u' },
    tools: [{ name: 'f', input_schema: {} }],
    tool_choice: { type: 'auto', disable_parallel_tool_use: true },
  }
  const request = createRequest({
    ...{ api: 'anthropic', model, stream: false, url: '/v1/messages', clock },
    body: jsonBodyFromObject(body),
  })
  return clock.runUntil(handler(listen(request, (event) => events.push(event))))
}

describe('a server that refuses what translation has added', () => {
  it('gets the request as it takes it, which the caller is told', async () => {
    const { bodies, handler } = server(strict)
    const events: SpillwayEvent[] = []
    const response = await ask(translate({ to: 'openai' })(handler), { events })
    expect(response.failure).toBeUndefined()
    expect(response.headers[degradedHeader]).toBe('metadata, parallel_tool_calls')
    expect(bodies).toHaveLength(5)
    expect(bodies.at(-1)).toMatchObject({ max_tokens: 100, messages: [{ role: 'system' }, { role: 'user' }] })
    const told = events.flatMap((event) => (event.type === 'degraded' ? event.losses : []))
    expect([...told].sort()).toEqual(['metadata', 'parallel_tool_calls'])
  })

  it('gets it so at once from then on, for an hour, by model', async () => {
    const { bodies, handler } = server(strict)
    const clock = virtualClock()
    const target = translate({ to: 'openai' })(handler)
    const sent = async (model = 'm'): Promise<number> => {
      const before = bodies.length
      await ask(target, { clock, model })
      return bodies.length - before
    }
    expect([await sent(), await sent(), await sent()]).toEqual([5, 1, 1])
    expect([await sent('another'), await sent('another')]).toEqual([5, 1])
    await clock.advance(3_600_000)
    expect(await sent()).toBe(5)
  })

  it('is asked four times more at most', async () => {
    let refusals = 0
    const names = [
      'max_completion_tokens',
      'safety_identifier',
      'parallel_tool_calls',
      'developer',
      'max_tokens',
    ]
    const { bodies, handler } = server(() => `unknown parameter: '${names[refusals++ % names.length]}'`)
    const response = await ask(translate({ to: 'openai' })(handler))
    expect([response.failure?.kind, bodies.length]).toEqual(['invalid_request', 5])
  })

  it('is not asked to and fro between two names', async () => {
    const { bodies, handler } = server((body) =>
      'max_tokens' in body ? "unknown parameter: 'max_tokens'" : "unknown parameter: 'max_completion_tokens'",
    )
    expect((await ask(translate({ to: 'openai' })(handler))).failure?.kind).toBe('invalid_request')
    expect(bodies).toHaveLength(2)
  })

  it('is asked once where the refusal is of something else, and nothing is learned', async () => {
    for (const message of ['temperature: unknown parameter', 'max_completion_tokens must be at most 10']) {
      const { bodies, handler } = server(() => message)
      expect((await ask(translate({ to: 'openai' })(handler))).failure?.message).toBe(message)
      expect(bodies).toHaveLength(1)
    }
  })

  it('is asked once where it may have been billed: any other status', async () => {
    for (const status of [404, 408, 429, 500, 529]) {
      const { bodies, handler } = server(() => "unknown parameter: 'max_completion_tokens'", status)
      await ask(translate({ to: 'openai' })(handler))
      expect(bodies).toHaveLength(1)
    }
  })

  it('keeps what was learned of a hundred models', async () => {
    const { bodies, handler } = server(strict)
    const target = translate({ to: 'openai' })(handler)
    for (let index = 0; index <= 100; index++) await ask(target, { model: `m${index}` })
    bodies.length = 0
    await ask(target, { model: 'm100' })
    await ask(target, { model: 'm0' })
    expect(bodies).toHaveLength(6)
  })
})
