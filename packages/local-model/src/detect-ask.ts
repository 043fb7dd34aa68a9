import type { JsonObject } from '@spillway/middleware/kit'
import { isObject } from './request-fields.ts'

/** What came back; status 0 when nothing did. */
export interface Reply {
  readonly status: number
  /** The `server` header, or empty. */
  readonly server: string
  readonly text: string
  /** The body where it is a JSON object, else an empty one. */
  readonly json: JsonObject
}

/** Asks one server. Never throws. */
export type Ask = (method: 'GET' | 'POST', path: string) => Promise<Reply>

/** More than any model server answers to a probe. */
const longestReply = 4 * 1024 * 1024

const nothing: Reply = { status: 0, server: '', text: '', json: {} }

/** A POST sends an empty object, which no server generates anything for. */
export function askOf(fetch: typeof globalThis.fetch, url: string, signal: AbortSignal): Ask {
  return async (method, path) => {
    try {
      const post = { body: '{}', headers: { 'content-type': 'application/json' } }
      const response = await fetch(url + path, {
        method,
        signal,
        redirect: 'manual',
        ...(method === 'POST' ? post : {}),
      })
      const text = await readText(response)
      return {
        status: response.status,
        server: response.headers.get('server') ?? '',
        text,
        json: parse(text),
      }
    } catch {
      return nothing
    }
  }
}

async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > longestReply) throw new RangeError('the reply is too long for a model server')
  }
  return text
}

function parse(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}
