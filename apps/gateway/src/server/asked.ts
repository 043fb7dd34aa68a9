import type { IncomingHttpHeaders } from 'node:http'
import type { Failure } from '@spillway/middleware'
import { fieldOf, type JsonBody } from '@spillway/middleware/kit'
import type { RecognisedCall } from '@spillway/wire'
import { callerError } from './refusal.ts'

/** The facts that routes and policies decide by. */
export interface Asked {
  readonly model: string
  readonly stream: boolean
  /** The conversation that the call belongs to, by the word of its caller. */
  readonly session: string | undefined
}

/** Characters of a name at most: names become keys and labels, and are in every row of the ledger. */
export const longestName = 256

/** What it may be written with: a character takes six bytes as an escape, and there are quotes. */
const longestWritten = 6 * longestName + 2

/**
 * What a call asks for, or what is wrong with it.
 * @param said by the path, where that names the model, or says whether a stream is asked for
 */
export function askedBy(
  headers: IncomingHttpHeaders,
  body: JsonBody,
  said: Pick<RecognisedCall, 'model' | 'stream'> = {},
): Asked | Failure {
  const isInBody = said.model === undefined
  const [start, end] = (isInBody && body.fields?.get('model')) || [0, 0]
  const model = isInBody ? fieldOf(body, 'model', longestWritten) : said.model
  if (end - start > longestWritten || (typeof model === 'string' && model.length > longestName)) {
    return wrong(`model: at most ${longestName} characters`)
  }
  if (typeof model !== 'string' || model === '') return wrong('model: expected the name of a model')
  const stream = said.stream ?? asksForStream(body)
  if (stream === undefined) return wrong('stream: expected true or false')
  const session = sessionOf(headers)
  if (session !== undefined && session.length > longestName) {
    return wrong(`the header that names the session: at most ${longestName} characters`)
  }
  return { model, stream, session }
}

/** Undefined for what is neither yes nor no. Clients that write out each of their options send `null` for one that is not set. */
function asksForStream(body: JsonBody): boolean | undefined {
  if (!body.fields?.has('stream')) return false
  const stream = fieldOf(body, 'stream', 'false'.length)
  if (stream === null) return false
  return typeof stream === 'boolean' ? stream : undefined
}

function sessionOf(headers: IncomingHttpHeaders): string | undefined {
  const session = headers['x-spillway-session'] ?? headers['x-claude-code-session-id']
  return typeof session === 'string' && session !== '' ? session : undefined
}

function wrong(message: string): Failure {
  return callerError('invalid_request', message)
}
