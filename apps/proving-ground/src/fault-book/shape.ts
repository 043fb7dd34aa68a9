import type { Api } from '@spillway/middleware'

/** Whether the caller asks for one body or for a stream. */
export type BodyKind = 'json' | 'sse'

/** The protocol that the caller speaks, and how it wants the answer. */
export interface Shape {
  readonly api: Api
  readonly body: BodyKind
  /** The protocol of the upstreams, where the gateway has to translate. @default the caller's */
  readonly at?: Api
}

function bodies(shape: Omit<Shape, 'body'>): Shape[] {
  return [
    { ...shape, body: 'json' },
    { ...shape, body: 'sse' },
  ]
}

/** All shapes that a fault can meet where the gateway passes on what it gets. */
export const shapes: readonly Shape[] = [
  ...bodies({ api: 'anthropic' }),
  ...bodies({ api: 'openai' }),
  ...bodies({ api: 'responses' }),
]

/** Callers of Responses whose upstreams have another protocol. */
export const responsesElsewhere: readonly Shape[] = [
  ...bodies({ api: 'responses', at: 'anthropic' }),
  ...bodies({ api: 'responses', at: 'openai' }),
]

/** Callers of other protocols whose upstreams have nothing but Responses. */
export const othersAtResponses: readonly Shape[] = [
  ...bodies({ api: 'anthropic', at: 'responses' }),
  ...bodies({ api: 'openai', at: 'responses' }),
]

/** The protocol that the upstreams of a shape speak. */
export function upstreamApi({ api, at = api }: Shape): Api {
  return at
}

/**
 * Whether a timeout is not repeated, since the upstream may be a local server whose work on the first request goes on: so it is
 * for `api: openai`.
 */
export function isPatient(shape: Shape): boolean {
  return upstreamApi(shape) === 'responses'
}

/** A short name: `anthropic sse`, `responses json at anthropic`. */
export function shapeName({ api, body, at }: Shape): string {
  return at === undefined ? `${api} ${body}` : `${api} ${body} at ${at}`
}

const paths: Readonly<Record<Api, string>> = {
  anthropic: '/v1/messages',
  openai: '/v1/chat/completions',
  responses: '/v1/responses',
}

/** The path that a caller of this protocol posts to. */
export function pathOf({ api }: Shape): string {
  return paths[api]
}

/** A small request in this shape; `more` adds fields. */
export function requestBody({ api, body }: Shape, model: string, more: object = {}): Buffer {
  const turns = [{ role: 'user', content: 'What does a spillway do?' }]
  const prompt = api === 'responses' ? { input: turns } : { messages: turns }
  const length = api === 'anthropic' ? { max_tokens: 200 } : {}
  // Unusual spacing: who parses and writes it again gives itself away.
  return Buffer.from(
    JSON.stringify({ model, ...length, stream: body === 'sse', ...prompt, ...more }, null, 1),
  )
}
