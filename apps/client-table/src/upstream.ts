import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Answer, answerTo } from './answers.ts'

/** What is wrong with an upstream before it answers well. */
export type Trouble = 'refuses twice' | 'dies before content' | 'stalls before content'

/** An upstream of every venue and protocol that the clients speak. */
export interface Upstream {
  readonly url: string
  /** Resolves when the first call has come. */
  readonly asked: Promise<void>
  /** Begins with the same trouble or another one again. */
  begin(trouble: Trouble): void
  close(): void
}

export const troubles: readonly Trouble[] = ['refuses twice', 'dies before content', 'stalls before content']

export async function startUpstream(first: Trouble): Promise<Upstream> {
  let trouble = first
  let calls = 0
  const asked = Promise.withResolvers<void>()
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk as Buffer)
    const answer = answerTo(req.url ?? '', Buffer.concat(chunks).toString())
    if (answer === undefined) return void res.writeHead(404).end('{"error":{"message":"no such path"}}')
    calls++
    asked.resolve()
    respond(trouble, calls, answer, req, res)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: asked.promise,
    begin(next) {
      trouble = next
      calls = 0
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

function respond(
  trouble: Trouble,
  call: number,
  { type, before, rest }: Answer,
  req: IncomingMessage,
  res: ServerResponse,
): void {
  if (trouble === 'refuses twice' && call <= 2) {
    res.writeHead(503, { 'content-type': 'application/json' })
    return void res.end(refusal)
  }
  res.writeHead(200, { 'content-type': type })
  if (trouble === 'refuses twice' || call > 1) {
    return void res.end(Buffer.concat([before, rest]))
  }
  res.write(before)
  // The bytes are to arrive before the connection breaks.
  if (trouble === 'dies before content') setTimeout(() => req.socket.destroy(), 20)
}

const refusal = '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
