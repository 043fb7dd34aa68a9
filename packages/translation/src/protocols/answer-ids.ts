import type { Api } from '@spillway/middleware'

const plain = /[^a-zA-Z0-9_-]/g

const prefixes: Readonly<Record<Api, string>> = { anthropic: 'msg_', openai: 'chatcmpl-', responses: 'resp_' }

/** No vendor's ids are longer. An id is in every chunk of a stream, so a long one would multiply it. */
const longestId = 256

/**
 * An answer's id as the callers of the other protocol know them: with its prefix, and the vendor's own id behind it.
 * @param other what follows it where the vendor gives none
 */
export function answerIdFor(api: Api, id: string | undefined, other = ''): string {
  const own = (id ?? '').slice(0, longestId).replace(plain, '_')
  const bare = own.replace(/^(?:chatcmpl|gen|cmpl|msg|resp)[-_]/, '') || other
  return `${prefixes[api]}${bare}`
}
