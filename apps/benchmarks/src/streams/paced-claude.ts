import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** How a stream is paced: read from the request's `metadata.user_id` as `CHUNKS/EVERY_MS`. */
export interface Pace {
  readonly chunks: number
  readonly everyMs: number
}

const event = (name: string, data: object): string =>
  `event: ${name}\ndata: ${JSON.stringify({ type: name, ...data })}\n\n`

const begin =
  event('message_start', {
    message: {
      ...{ id: 'msg_1', type: 'message', role: 'assistant', content: [], model: 'claude-sonnet-5-5' },
      ...{ stop_reason: null, stop_sequence: null, usage: { input_tokens: 10, output_tokens: 1 } },
    },
  }) + event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } })

const end =
  event('content_block_stop', { index: 0 }) +
  event('message_delta', {
    delta: { stop_reason: 'end_turn', stop_sequence: null },
    usage: { output_tokens: 100 },
  }) +
  event('message_stop', {})

/** Milliseconds since the epoch, with fractions, comparable between processes of one machine. */
export const epochNow = (): number => performance.timeOrigin + performance.now()

/** A Claude whose streams send one delta every so often, each with the time at which it was written. */
export async function startPacedClaude(): Promise<string> {
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const pace = /"user_id":"(\d+)\/(\d+)"/.exec(body) ?? []
    stream(response, { chunks: Number(pace[1] ?? 10), everyMs: Number(pace[2] ?? 100) })
  })
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 })
  await new Promise((resolve) => server.once('listening', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function stream(response: ServerResponse, { chunks, everyMs }: Pace): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
  response.write(begin)
  let sent = 0
  const send = (): void => {
    response.write(
      event('content_block_delta', {
        index: 0,
        delta: { type: 'text_delta', text: ` ${epochNow().toFixed(3)}` },
      }),
    )
    if (++sent < chunks) return
    clearInterval(timer)
    response.end(end)
  }
  const timer = setInterval(send, everyMs)
  response.on('close', () => clearInterval(timer))
  send()
}
