import type { Api } from '@spillway/middleware'

/** Whether the caller asks for one body or for a stream. */
export type BodyKind = 'json' | 'sse'

/** The protocol that the caller speaks, and how it wants the answer. */
export interface Shape {
  readonly api: Exclude<Api, 'responses'>
  readonly body: BodyKind
}

/** All shapes that a fault can meet. */
export const shapes: readonly Shape[] = [
  { api: 'anthropic', body: 'json' },
  { api: 'anthropic', body: 'sse' },
  { api: 'openai', body: 'json' },
  { api: 'openai', body: 'sse' },
]

/** A short name: `anthropic sse`. */
export function shapeName({ api, body }: Shape): string {
  return `${api} ${body}`
}

/** The path that a caller of this protocol posts to. */
export function pathOf({ api }: Shape): string {
  return api === 'anthropic' ? '/v1/messages' : '/v1/chat/completions'
}

/** A small request in this shape; `more` adds fields. */
export function requestBody({ api, body }: Shape, model: string, more: object = {}): Buffer {
  const turns = { messages: [{ role: 'user', content: 'What does a spillway do?' }] }
  const length = api === 'anthropic' ? { max_tokens: 200 } : {}
  // Unusual spacing: who parses and writes it anew gives itself away.
  return Buffer.from(JSON.stringify({ model, ...length, stream: body === 'sse', ...turns, ...more }, null, 1))
}
