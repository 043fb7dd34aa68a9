import type { ModelRequest } from '@spillway/middleware'
import type { ResponseHeaders } from '@spillway/middleware/kit'
import { answerAsStream, asksForUsage } from '@spillway/wire/internal'
import { headersOf } from './body-form.ts'

/** A whole answer in the form that was asked for, under the right type; undefined for what makes no stream. */
export function inAskedForm(
  { api, venue, operation, stream, body: asked }: ModelRequest,
  headers: ResponseHeaders,
  answer: Uint8Array,
): { readonly headers: ResponseHeaders; readonly body: Uint8Array } | undefined {
  if (!stream || operation !== 'generate') return { headers: headersOf('json', headers), body: answer }
  const body = answerAsStream(api, answer, asksForUsage(asked), venue)
  return body && { headers: headersOf('stream', headers, venue), body }
}
