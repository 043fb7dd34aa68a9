import { classifyHttpError, StreamReader } from '@spillway/wire'

/** Says how a streamed call to Claude went. */
export async function howItWent(response: Response): Promise<string> {
  if (!response.ok) {
    const body: unknown = await response.json().catch(() => undefined)
    const headers = Object.fromEntries(response.headers)
    const failure = classifyHttpError(response.status, headers, body, Date.now())
    return failure.retryable ? `${failure.kind}, try again` : failure.kind
  }
  const reader = new StreamReader('anthropic')
  for await (const chunk of response.body ?? []) reader.push(chunk)
  const { failure, usage } = reader.state
  if (failure !== undefined) return failure.kind
  return reader.isComplete ? `${usage?.outputTokens} tokens` : 'cut off'
}
