import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import type { Json } from './matrix-json.ts'

// Servers that answer in the odd forms that real ones have been seen to answer in. They live as long as the test.

export interface QuirkyServer {
  readonly url: string
  readonly bodies: readonly Json[]
}

async function serve(
  answer: (body: Json, turn: number, response: ServerResponse) => void,
): Promise<QuirkyServer> {
  const bodies: Json[] = []
  const server = createServer(async (request: IncomingMessage, response) => {
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece as Buffer)
    const body = JSON.parse(Buffer.concat(pieces).toString())
    answer(body, bodies.push(body) - 1, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bodies }
}

function send(response: ServerResponse, status: number, body: Json): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** A server of Messages that gives these blocks, as vLLM does. */
export function startQuirkyMessages(blocks: (turn: number) => Json[]): Promise<QuirkyServer> {
  return serve((body, turn, response) => {
    const content = blocks(turn)
    const stop_reason = content.some(({ type }) => type === 'tool_use') ? 'tool_use' : 'end_turn'
    const message = { id: `chatcmpl-${turn}`, type: 'message', role: 'assistant', model: 'qwen' }
    const usage = { input_tokens: 3, output_tokens: 2 }
    if (body.stream !== true) return send(response, 200, { ...message, content, stop_reason, usage })
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const event = (type: string, data: Json): void => {
      response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`)
    }
    event('message_start', { message: { ...message, content: [], stop_reason: null, usage } })
    for (const [index, block] of content.entries()) {
      event('content_block_start', { index, content_block: openingOf(block) })
      for (const delta of deltasOf(block)) event('content_block_delta', { index, delta })
      event('content_block_stop', { index })
    }
    event('message_delta', { delta: { stop_reason, stop_sequence: null }, usage })
    event('message_stop', {})
    response.end()
  })
}

function openingOf(block: Json): Json {
  if (block.type === 'thinking') return { type: 'thinking', thinking: '', signature: '' }
  return block.type === 'text' ? { type: 'text', text: '' } : { ...block, input: {} }
}

function deltasOf({ type, thinking, signature, text, input }: Json): Json[] {
  if (type === 'thinking') {
    return [
      { type: 'thinking_delta', thinking },
      { type: 'signature_delta', signature },
    ]
  }
  if (type === 'text') return [{ type: 'text_delta', text }]
  return [{ type: 'input_json_delta', partial_json: JSON.stringify(input) }]
}

/**
 * A server of chat completions that gives these messages: without an id of the answer, with an empty `finish_reason` in each
 * chunk and `stop` at the end whatever has been called.
 * @param refuse what it does not take of a request
 */
export function startQuirkyChat(
  messageOf: (turn: number) => Json,
  refuse: (messages: readonly Json[]) => string | undefined = () => undefined,
): Promise<QuirkyServer> {
  return serve((body, turn, response) => {
    const wrong = refuse(body.messages as Json[])
    if (wrong !== undefined)
      return send(response, 400, { error: { message: wrong, type: 'invalid_request_error' } })
    const { tool_calls: calls = [], ...message } = messageOf(turn)
    const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }
    if (body.stream !== true) {
      const choice = {
        index: 0,
        message: { role: 'assistant', ...message, tool_calls: calls },
        finish_reason: 'stop',
      }
      return send(response, 200, { object: 'chat.completion', choices: [choice], usage })
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const chunk = (delta: Json, more: Json = {}, finish_reason = ''): void => {
      const choices = [{ index: 0, delta, finish_reason }]
      response.write(`data: ${JSON.stringify({ object: 'chat.completion.chunk', choices, ...more })}\n\n`)
    }
    chunk({ role: 'assistant', content: '' })
    for (const [name, value] of Object.entries(message)) chunk({ [name]: value })
    for (const [index, call] of (calls as Json[]).entries()) chunk({ tool_calls: [{ index, ...call }] })
    chunk({}, { usage }, 'stop')
    response.end('data: [DONE]\n\n')
  })
}
