/** Run as a child: `upstreams.ts claude | slow | endless | huge`. Sends its URL and ends with its parent. */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startClaude } from '@spillway/testing'

const kind = process.argv[2] as string
process.on('disconnect', () => process.exit(0))

const starters: Readonly<Record<string, () => Promise<string>>> = {
  // Takes some 60 ms in all, streamed or not, and little of the machine: what a call to a model is like, only faster.
  claude: async () => (await startClaude({ record: false, latencyMs: 20, chunks: 20, chunkDelayMs: 2 })).url,
  // Takes every request and never answers.
  slow: () => listen(() => {}),
  // Talks without end, as fast as it is read.
  endless: () => listen(talk),
  // A body without end that is no stream.
  huge: () => listen(swell),
}

const start = starters[kind]
if (start === undefined) throw new Error(`unknown upstream ${kind}`)
process.send?.({ url: await start() })

async function listen(answer: (response: ServerResponse) => void): Promise<string> {
  const server = createServer((request, response) => {
    request.resume()
    request.on('end', () => answer(response))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function talk(response: ServerResponse): void {
  const event = (type: string, data: object): string =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`
  const words = event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'and so on ' } })
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(event('message_start', { message: { id: 'msg_1', model: 'm', usage: {} } }))
  response.write(event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }))
  repeat(response, words.repeat(200))
}

function swell(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.write('{"type":"message","content":[{"type":"text","text":"')
  repeat(response, 'and so on '.repeat(2_000))
}

function repeat(response: ServerResponse, piece: string): void {
  const more = (): void => {
    while (!response.destroyed && response.write(piece));
  }
  response.on('drain', more)
  more()
}
