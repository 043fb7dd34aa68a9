import {
  type Call,
  type Dialect,
  errorAnswer,
  fieldsOf,
  jsonAnswer,
  type Refusal,
  type Route,
} from './answer.ts'
import { pageOf, queryOf, refusedQuery } from './claude-models.ts'

interface Batch {
  readonly id: string
  readonly owner: string
  readonly requests: readonly { readonly custom_id: string; readonly params: unknown }[]
  readonly createdAt: string
  isCancelled: boolean
}

interface File {
  readonly id: string
  readonly owner: string
  readonly filename: string
  readonly mime_type: string
  readonly size_bytes: number
  readonly created_at: string
}

/** What the batches and files of a simulated Claude are made with. */
export interface OwnedThings {
  readonly dialect: Dialect
  /** The whole answer to one request of a batch. */
  readonly message: (call: Call) => object
  /** What is wrong with a request of a batch; undefined where nothing is. */
  readonly refused: (call: Call) => string | undefined
}

const notFound = (what: string): Refusal => ({
  status: 404,
  type: 'not_found_error',
  message: `${what} not found`,
})
const invalid = (message: string): Refusal => ({ status: 400, message })

/** Whose they are: another key sees none of them. */
const ownerOf = ({ request: { headers } }: Call): string =>
  // At a cloud a workspace has them, and each request has another signature.
  headers['anthropic-workspace-id'] ?? headers['x-api-key'] ?? headers.authorization ?? ''

/** Batches and files as Anthropic keeps them: for the key's workspace alone. Batches have ended as soon as they are looked at. */
export class ClaudeBatches {
  readonly #things: OwnedThings
  readonly #batches = new Map<string, Batch>()
  readonly #files = new Map<string, File>()

  constructor(things: OwnedThings) {
    this.#things = things
  }

  route(method: string, pathname: string): Route | undefined {
    const [, kind, id, action] =
      /^\/v1\/(messages\/batches|files)(?:\/([\w-]+)(?:\/(\w+))?)?$/.exec(pathname) ?? []
    if (kind === undefined) return undefined
    const thing = kind === 'files' ? ['file', 'files'] : ['batch', 'batches']
    const form = [method, thing[id === undefined ? 1 : 0], ...(action === undefined ? [] : [action])].join(
      ' ',
    )
    const { dialect } = this.#things
    return {
      dialect,
      generates: false,
      answer: (call) => {
        const said = this.#answer(form, call, id ?? '')
        if ('status' in said) return errorAnswer(dialect, call, said as Refusal)
        if ('lines' in said) {
          const answer = jsonAnswer(said.lines as string, dialect.headers(call))
          return { ...answer, contentType: 'application/x-jsonl' }
        }
        return jsonAnswer(JSON.stringify(said), dialect.headers(call))
      },
    }
  }

  #answer(form: string, call: Call, id: string): object {
    const owner = ownerOf(call)
    const batch = this.#batches.get(id)
    const file = this.#files.get(id)
    const mine = <T extends { owner: string }>(all: Map<string, T>): T[] =>
      [...all.values()].filter((each) => each.owner === owner).reverse()
    if (form === 'POST batches') return this.#create(call, owner)
    if (form === 'GET batches')
      return this.#list(
        call,
        mine(this.#batches).map((each) => this.#shown(each, call)),
      )
    if (form === 'POST files') return this.#upload(call, owner)
    if (form === 'GET files') return this.#list(call, mine(this.#files).map(shownFile))
    if (form.includes(' batch')) {
      if (batch === undefined || batch.owner !== owner) return notFound(`Batch ${id}`)
      if (form === 'GET batch') return this.#shown(batch, call)
      if (form === 'GET batch results') return { lines: this.#results(batch, call) }
      if (form === 'POST batch cancel') {
        batch.isCancelled = true
        return { ...this.#shown(batch, call), processing_status: 'canceling' }
      }
      if (form === 'DELETE batch') {
        this.#batches.delete(id)
        return { id, type: 'message_batch_deleted' }
      }
    } else {
      if (file === undefined || file.owner !== owner) return notFound(`File ${id}`)
      if (form === 'GET file') return shownFile(file)
      if (form === 'GET file content') return invalid('File is not downloadable')
      if (form === 'DELETE file') {
        this.#files.delete(id)
        return { id, type: 'file_deleted' }
      }
    }
    return { status: 405, message: 'Method Not Allowed' }
  }

  #list(call: Call, all: readonly { readonly id: string }[]): object {
    const query = queryOf(call)
    const problem = refusedQuery(query)
    return problem === undefined ? pageOf(all, query) : invalid(problem)
  }

  #create(call: Call, owner: string): object {
    const { requests } = fieldsOf(call.request.json)
    if (!Array.isArray(requests) || requests.length === 0)
      return invalid('requests: List should have at least 1 item')
    if (requests.length > 100_000) return invalid('requests: List should have at most 100000 items')
    const seen = new Set<string>()
    for (const [index, each] of requests.entries()) {
      const { custom_id: custom, params } = fieldsOf(each)
      if (typeof custom !== 'string' || !/^[\w-]{1,64}$/.test(custom))
        return invalid(`requests.${index}.custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'`)
      if (seen.has(custom)) return invalid(`requests.${index}.custom_id: Duplicate custom_id "${custom}"`)
      seen.add(custom)
      const problem = this.#things.refused(callWith(call, params))
      if (problem !== undefined) return invalid(`requests.${index}.params.${problem}`)
    }
    const id = `msgbatch_01${call.id}`
    const batch = { id, owner, requests, createdAt: new Date().toISOString(), isCancelled: false }
    this.#batches.set(id, batch)
    return { ...this.#shown(batch, call), ...unfinished(requests.length) }
  }

  #shown(batch: Batch, { request }: Call): { readonly id: string } {
    const { length } = batch.requests
    const none = { processing: 0, succeeded: 0, errored: 0, canceled: 0, expired: 0 }
    return {
      ...{ id: batch.id, type: 'message_batch', processing_status: 'ended' },
      request_counts: { ...none, ...(batch.isCancelled ? { canceled: length } : { succeeded: length }) },
      ...{
        ended_at: batch.createdAt,
        created_at: batch.createdAt,
        archived_at: null,
        cancel_initiated_at: null,
      },
      expires_at: new Date(Date.parse(batch.createdAt) + 86_400_000).toISOString(),
      results_url: `http://${request.headers.host}/v1/messages/batches/${batch.id}/results`,
    } as { readonly id: string }
  }

  #results({ requests, isCancelled }: Batch, call: Call): string {
    const lines = requests.map(({ custom_id, params }) => {
      const result = isCancelled
        ? { type: 'canceled' }
        : { type: 'succeeded', message: this.#things.message(callWith(call, params)) }
      return JSON.stringify({ custom_id, result })
    })
    return `${lines.join('\n')}\n`
  }

  #upload(call: Call, owner: string): object {
    const { headers, body } = call.request
    if (!/^multipart\/form-data;.*boundary=/i.test(headers['content-type'] ?? ''))
      return invalid('content-type: multipart/form-data is required')
    const text = Buffer.from(body).toString('latin1')
    const [head, filename] = /name="file"; filename="([^"]*)"[\s\S]*?\r\n\r\n/.exec(text) ?? []
    if (head === undefined || filename === undefined) return invalid('file: Field required')
    const start = text.indexOf(head) + head.length
    const size = text.indexOf('\r\n--', start) - start
    const type = /content-type: *([^\r\n]+)/i.exec(head)?.[1] ?? 'application/octet-stream'
    const id = `file_01${call.id}`
    const file = {
      id,
      owner,
      filename,
      mime_type: type,
      size_bytes: size,
      created_at: new Date().toISOString(),
    }
    this.#files.set(id, file)
    return shownFile(file)
  }
}

/** A request of a batch as a call by itself. */
const callWith = (call: Call, json: unknown): Call => ({
  ...call,
  request: Object.create(call.request, { json: { value: json } }),
})

const shownFile = ({ owner: _, ...file }: File): { readonly id: string } & object => ({
  ...file,
  ...{ type: 'file', downloadable: false },
})

function unfinished(processing: number): object {
  return {
    ...{ processing_status: 'in_progress', ended_at: null, results_url: null },
    request_counts: { processing, succeeded: 0, errored: 0, canceled: 0, expired: 0 },
  }
}
