const plain = /[^a-zA-Z0-9_-]/g

/** An answer's id as the callers of the other protocol know them: with its prefix, and the vendor's own id behind it. */
export function answerIdFor(api: 'anthropic' | 'openai', id: string | undefined): string {
  const own = (id ?? '').replace(plain, '_')
  const bare = own.replace(/^(?:chatcmpl|gen|cmpl|msg)[-_]/, '')
  return api === 'anthropic' ? `msg_${bare}` : `chatcmpl-${bare}`
}
