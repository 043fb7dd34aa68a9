import { type Answer, type Call, fieldsOf, modelOf, type Refusal, type Route, route } from './answer.ts'
import { chatRoute } from './chat-route.ts'
import { messagesRoute } from './messages-route.ts'
import { ollamaChatRoute } from './ollama-chat.ts'
import { ollamaChat, ollamaMessages, ollamaNative } from './ollama-error.ts'
import { refusedByOllama, refusedImages } from './ollama-rules.ts'
import type { RecordedRequest } from './recorded-request.ts'
import { type ServerOptions, type SimulatedServer, type Site, startServer } from './simulated-server.ts'

/** Options of {@link startOllama}. */
export interface OllamaOptions extends ServerOptions {
  /** The models pulled. A name without a tag is one with `:latest`. @default ['llama3.2'] */
  readonly models?: readonly string[]
  /** Whether `/v1/messages` is there; old versions have none. @default true */
  readonly anthropic?: boolean
  /**
   * How long the model takes to load before the first answer begins, in milliseconds: nothing is sent meanwhile, not even
   * headers. When all clients that wait for it leave, the load is cancelled and begins again with the next request.
   * @default 0
   */
  readonly coldLoadMs?: number
  /** What `/api/version` says. @default 0.33.0, or 0.13.5 without `/v1/messages` */
  readonly version?: string
}

/** Starts a server that speaks Ollama's API, and the two of others that Ollama speaks. No key is needed. */
export function startOllama(options: OllamaOptions = {}): Promise<SimulatedServer> {
  return startServer(ollamaSite(options), options)
}

function ollamaSite(options: OllamaOptions): Site {
  const { anthropic = true, version = anthropic ? '0.33.0' : '0.13.5' } = options
  const models = (options.models ?? ['llama3.2']).map(tagged)
  const loaded = new Set<string>()
  const refuse = (call: Call): Refusal | undefined => {
    if (call.request.json === undefined) return { status: 400, message: 'unexpected EOF' }
    const model = modelOf(call)
    if (model === '') return { status: 400, message: 'model is required' }
    if (!models.includes(tagged(model))) {
      return { status: 404, message: `model "${model}" not found, try pulling it first` }
    }
    loaded.add(tagged(model))
    return undefined
  }
  const refuseEmpty = (call: Call): Refusal | undefined => {
    const { messages } = fieldsOf(call.request.json)
    if (Array.isArray(messages) && messages.length > 0) return undefined
    return { status: 400, message: "[] is too short - 'messages'" }
  }
  const refuseTokens = (call: Call): Refusal | undefined => {
    const { max_tokens: tokens } = fieldsOf(call.request.json)
    if (typeof tokens === 'number' && tokens > 0) return undefined
    return { status: 400, message: 'max_tokens is required and must be positive' }
  }

  const native = ollamaChatRoute(options, refuse)
  const chatFlavour = { alwaysUsage: false, idOf: (call: Call) => `chatcmpl-${call.id}` }
  const chat = chatRoute(
    options,
    ollamaChat,
    chatFlavour,
    (call) => refuseEmpty(call) ?? refusedByOllama(call) ?? refuse(call),
  )
  const messages = messagesRoute(options, ollamaMessages, { pings: false, unsigned: true }, (call) => {
    return refuseTokens(call) ?? refuseEmpty(call) ?? refusedImages(call) ?? refuse(call)
  })
  const routes = new Map<string, Route>([
    ['GET /', plainRoute(200, 'Ollama is running')],
    ['GET /api/version', route(ollamaNative, () => ({ version }))],
    ['GET /api/tags', route(ollamaNative, () => ({ models: models.map(modelTag) }))],
    ['GET /api/ps', route(ollamaNative, () => ({ models: [...loaded].map(modelProcess) }))],
    ['POST /api/chat', native],
    ['POST /v1/chat/completions', chat],
    ['GET /v1/models', route(ollamaChat, () => ({ object: 'list', data: models.map(modelEntry) }))],
  ])
  if (anthropic) routes.set('POST /v1/messages', messages)
  const missing = plainRoute(404, '404 page not found')

  return {
    bodyLimit: Infinity,
    latency: coldLoad(options.coldLoadMs ?? 0),
    route: (method, pathname) => routes.get(`${method} ${pathname}`) ?? missing,
  }
}

/** The wait of each request for one load that all of them share. */
function coldLoad(loadMs: number): (request: RecordedRequest) => number {
  let doneAt: number | undefined
  let waiting = 0
  return (request) => {
    const now = performance.now()
    doneAt ??= now + loadMs
    if (now >= doneAt) return 0
    waiting++
    request.closedByPeer.then((at) => {
      if (doneAt !== undefined && at < doneAt && --waiting === 0) doneAt = undefined
    })
    return doneAt - now
  }
}

function plainRoute(status: number, body: string): Route {
  const answer: Answer = { status, contentType: 'text/plain; charset=utf-8', headers: {}, body }
  return { dialect: ollamaNative, generates: false, answer: () => answer }
}

function tagged(model: string): string {
  return model.includes(':') ? model : `${model}:latest`
}

const details = {
  parent_model: '',
  format: 'gguf',
  family: 'llama',
  families: ['llama'],
  parameter_size: '3.2B',
  quantization_level: 'Q4_K_M',
}

function modelFacts(name: string): object {
  return { name, model: name, size: 2_019_393_189, digest: 'a80c4f17acd5'.padEnd(64, '0'), details }
}

function modelTag(name: string): object {
  return { ...modelFacts(name), modified_at: '2026-10-01T00:00:00Z' }
}

function modelProcess(name: string): object {
  const expires_at = new Date(Date.now() + 5 * 60_000).toISOString()
  return { ...modelFacts(name), expires_at, size_vram: 0, context_length: 4096 }
}

function modelEntry(id: string): object {
  return { id, object: 'model', created: 1_790_000_000, owned_by: 'library' }
}
