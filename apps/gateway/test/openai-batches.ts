import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

interface Thing {
  readonly owner: string
  readonly body: Record<string, unknown>
  readonly content?: string
}

/** Files and batches as OpenAI keeps them, for each key by itself; batches have ended when they are looked at. */
export async function startOpenAiBatches(keys: readonly string[]) {
  const things = new Map<string, Thing>()
  const seen: { readonly key: string; readonly call: string }[] = []
  const server = createServer(async (req, res) => {
    const text = await textOf(req).catch(() => undefined)
    // Cut off before its end: nothing is made of it.
    if (text === undefined) return
    const key = String(req.headers.authorization).replace('Bearer ', '')
    const [path = ''] = (req.url ?? '').split('?')
    seen.push({ key, call: `${req.method} ${path}` })
    const say = (status: number, body: object): void =>
      void res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    const fail = (status: number, message: string): void =>
      say(status, { error: { message, type: 'invalid_request_error', param: null, code: null } })
    if (!keys.includes(key)) return fail(401, 'Incorrect API key provided.')
    const [, kind = '', id, action] = path.slice('/v1'.length).split('/')
    const make = (name: string, body: Record<string, unknown>, content?: string): Thing => {
      const made = { owner: key, body: { id: name, created_at: 1_790_000_000, ...body }, content }
      things.set(name, made as Thing)
      return made as Thing
    }
    if (req.method === 'POST' && kind === 'files') {
      const { name, content } = partOf(text)
      const file = {
        object: 'file',
        filename: name,
        bytes: content.length,
        purpose: 'batch',
        status: 'processed',
      }
      return say(200, make(`file-${things.size}in`, file, content).body)
    }
    if (req.method === 'POST' && kind === 'batches' && id === undefined) {
      const { input_file_id: input, endpoint } = JSON.parse(text)
      if (things.get(input)?.owner !== key) return fail(404, `No such File object: ${input}`)
      const batch = { object: 'batch', endpoint, input_file_id: input, status: 'in_progress' }
      return say(200, make(`batch_${things.size}`, batch).body)
    }
    const mine = [...things.values()].filter(({ owner }) => owner === key)
    if (id === undefined) {
      const of = kind === 'files' ? 'file' : 'batch'
      const data = mine.map(({ body }) => body).filter(({ object }) => object === of)
      return say(200, { object: 'list', data, has_more: false })
    }
    const thing = things.get(id)
    if (thing?.owner !== key) return fail(404, `No such object: ${id}`)
    if (req.method === 'DELETE') {
      things.delete(id)
      return say(200, { id, object: thing.body.object, deleted: true })
    }
    if (action === 'content') return void res.writeHead(200).end(thing.content)
    if (action === 'cancel') return say(200, { ...thing.body, status: 'cancelling' })
    if (kind !== 'batches' || thing.body.output_file_id !== undefined) return say(200, thing.body)
    const output = make(
      `file-${things.size}out`,
      { object: 'file' },
      answersTo(things.get(String(thing.body.input_file_id))),
    )
    Object.assign(thing.body, { status: 'completed', output_file_id: output.body.id })
    say(200, thing.body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close().closeAllConnections())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen }
}

async function textOf(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

/** The file of a form. */
function partOf(form: string): { readonly name: string; readonly content: string } {
  const [, name = '', content = ''] = /filename="([^"]*)".*?\r\n\r\n(.*?)\r\n--/s.exec(form) ?? []
  return { name, content }
}

/** A line for each line of the input, as OpenAI writes them. */
function answersTo(input: Thing | undefined): string {
  const lines = (input?.content ?? '').split('\n').filter((line) => line !== '')
  return lines
    .map((line) => {
      const { custom_id, body } = JSON.parse(line)
      const usage = { prompt_tokens: 1_000, completion_tokens: 500, total_tokens: 1_500 }
      const message = { role: 'assistant', content: 'Hello.' }
      const choices = [{ index: 0, message, finish_reason: 'stop' }]
      const answer = { id: 'chatcmpl-1', object: 'chat.completion', model: body.model, choices, usage }
      return `${JSON.stringify({ custom_id, response: { status_code: 200, body: answer }, error: null })}\n`
    })
    .join('')
}
