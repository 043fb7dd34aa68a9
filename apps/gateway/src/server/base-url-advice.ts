import type { Api } from '@spillway/middleware'
import type { Venue } from '@spillway/middleware/kit'
import { recogniseCall } from '@spillway/wire'

/** The path of a call, and the protocol of its clients. */
export interface CallPath {
  readonly path: string
  readonly api: Api
}

/** What clients of a protocol add to their base URL begins after this part of the path. */
const baseOf: Readonly<Record<Api, string>> = { anthropic: '', openai: '/v1', responses: '/v1' }

/**
 * Which base URL a client should have, where it asks for a call's path below another one: `/v1/v1/messages`,
 * `/chat/completions`, `//v1/messages`. Undefined for a path that no call ends with.
 * @param origin of the gateway, as the client knows it
 */
export function baseUrlAdvice(path: string, origin: string, calls: readonly CallPath[]): string | undefined {
  const asked = path.replace(/\/+$/, '')
  // The longest first: /v1/messages/count_tokens ends with what no other call begins with.
  const call = calls.find((each) => asked.endsWith(each.path.slice('/v1'.length)))
  if (call === undefined) return venueAdvice(asked, origin)
  const base = `${origin}${baseOf[call.api]}`
  return `${nameOf[call.api]} take the base URL ${base}, to which they add ${call.path.slice(baseOf[call.api].length)}`
}

/** The same for clients of clouds whose paths hold the model. */
function venueAdvice(asked: string, origin: string): string | undefined {
  const venue = recogniseCall('POST', asked)?.venue
  return venue && `${ofVenues[venue].clients} take the base URL ${origin}${ofVenues[venue].base}`
}

const ofVenues: Readonly<Record<Venue, { readonly clients: string; readonly base: string }>> = {
  bedrock: { clients: "Amazon Bedrock's SDKs and Claude Code (ANTHROPIC_BEDROCK_BASE_URL)", base: '' },
  vertex: { clients: "Vertex AI's SDKs and Claude Code (ANTHROPIC_VERTEX_BASE_URL)", base: '/v1' },
}

const nameOf: Readonly<Record<Api, string>> = {
  anthropic: "Anthropic's SDKs and Claude Code",
  openai: "OpenAI's SDKs",
  responses: "OpenAI's SDKs and Codex",
}
