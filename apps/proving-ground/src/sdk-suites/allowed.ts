const noAnswer =
  'the test answers 200 with something that is no answer (no content, no choices): such a response is malformed, worth a retry, and becomes a 502'
const noEnd =
  'the test’s stream ends without the end that its protocol has: a stream that breaks off ends with an error event, or is a 502 before its first content'
const notJson =
  'an event that is no JSON comes before any content: that is a failed attempt, and becomes a 502'
const errorFirst =
  'an error event comes before any content: that is a failed attempt, and becomes a response with its status instead of a 200 whose stream throws'
const held =
  'the test waits for the response of a stream that has sent nothing yet: a stream is handed over at its first content'
const sameTurn =
  'the test aborts in the same turn of the event loop in which its answer comes: an answer is handed over when its body is whole, so the abort is first'

/** Tests that fail with `wrapFetch` alone by design: a part of their names, and why. */
export const allowed: readonly (readonly [test: string, reason: string])[] = [
  ['ctx.parse stream parses are lazy and advance alongside the client stream', held],
  ['BetaMessageStream class handles incomplete partial JSON responses gracefully', noEnd],
  ['tests/responses.test.ts > request id withResponse', noAnswer],
  ['tests/responses.test.ts > request id object response', noAnswer],
  ['retries auth token is refreshed', noAnswer],
  ['deployment path safety keeps', noAnswer],
  ['AAD token is refreshed', noAnswer],
  ['azure request building model to deployment mapping', noAnswer],
  ['delivers large Chat Completions streaming data', noEnd],
  ["keeps exact 'Chat Completions' completion", noEnd],
  ["preserves valid 'Chat Completions events' payloads without writing diagnostics", noEnd],
  ['malformed SSE diagnostic privacy', notJson],
  ["keeps malformed 'Chat Completions' events private", notJson],
  ['rejects a fake completion prefix', notJson],
  ['does not report a successful', notJson],
  ['events whose first data line impersonates completion', notJson],
  ['named SSE provider errors', errorFirst],
  ['resource completions runTools with stream: false flow with abort', sameTurn],
]
