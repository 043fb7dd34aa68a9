import type { Api } from '@spillway/middleware'
import type { RequestHeaders, ResponseHeaders } from '@spillway/middleware/kit'
import { header } from '@spillway/wire/internal'

/** The version that is asked for where the caller's protocol has none: the one that all servers and models take. */
export const defaultApiVersion = '2023-06-01'

const notForOpenAi = /^(?:anthropic-|x-api-key$|content-length$)/
const notForAnthropic = /^(?:openai-|authorization$|content-length$)/

/** A request's headers in another protocol: the same key in the place where it is looked for there. */
export function translatedRequestHeaders(to: Api, headers: RequestHeaders): RequestHeaders {
  const unfit = to === 'anthropic' ? notForAnthropic : notForOpenAi
  const others = Object.fromEntries(Object.entries(headers).filter(([name]) => !unfit.test(name)))
  const bearer = /^bearer\s+(\S+)$/i.exec(headers.authorization ?? '')?.[1]
  if (to !== 'anthropic') {
    const key = headers['x-api-key'] || bearer
    return key === undefined ? others : { ...others, authorization: `Bearer ${key}` }
  }
  const version = headers['anthropic-version'] ?? defaultApiVersion
  const sent = { ...others, 'anthropic-version': version }
  if (headers['x-api-key'] || bearer === undefined) return sent
  // OAuth tokens are taken as bearers only.
  if (bearer.startsWith('sk-ant-oat')) return { ...sent, authorization: `Bearer ${bearer}` }
  return { ...sent, 'x-api-key': bearer }
}

const ofTheBody = new Set(['content-length', 'content-encoding', 'content-type', 'transfer-encoding'])

/** A response's headers for the callers of another protocol, with the request's id under the name known there. */
export function translatedResponseHeaders(
  to: Api,
  headers: ResponseHeaders,
  contentType: string,
): ResponseHeaders {
  const others = Object.fromEntries(Object.entries(headers).filter(([name]) => !ofTheBody.has(name)))
  const name = to === 'anthropic' ? 'request-id' : 'x-request-id'
  const id = ['request-id', 'x-request-id', 'x-generation-id'].map((each) => header(headers, each))
  const known = header(headers, name) ?? id.find((each) => each !== undefined)
  return { ...others, ...(known === undefined ? {} : { [name]: known }), 'content-type': contentType }
}
