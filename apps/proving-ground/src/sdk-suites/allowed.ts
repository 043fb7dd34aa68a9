const noAnswer =
  'the test answers 200 with something that is no answer (no content, no choices): such a response is malformed, worth a retry, and becomes a 502'
const noEnd =
  'the test’s stream ends without the end that its protocol has: a stream that breaks off ends with an error event, or is a 502 before its first content'
const notJson =
  'an event that is no JSON comes before any content: that is a failed attempt, and becomes a 502'
const errorFirst =
  'an error event comes before any content: that is a failed attempt, and becomes a response with its status instead of a 200 whose stream throws'
const saysFailed =
  'the test’s answer is a 200 that says that the response has failed: that is a failed attempt, and becomes a response with its status'
const held =
  'the test waits for the response of a stream that has sent nothing yet: a stream is handed over at its first content'
const sameTurn =
  'the test aborts in the same turn of the event loop in which its answer comes: an answer is handed over when its body is whole, so the abort is first'
const afterEnd =
  'the test’s stream goes on after the end that its protocol has, mostly with further answers: a stream is over at that end'
const readAhead =
  'the test’s body breaks when it is read before its client asks for more: a stream is read as it comes, up to a bound, so that its failures are known'

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
  ['does not decode packed SSE records ahead of the consumer', readAhead],
  ['delivers a complete Responses result', noEnd],
  ['round-trips large NDJSON records', noEnd],
  ['data residency streaming uses the derived endpoint', noEnd],
  ['unsupported Responses event diagnostic privacy keeps public client', noEnd],
  ["keeps exact 'Responses' completion", noEnd],
  ['propagates real nested SSE errors to a delayed async iterator', held],
  ['converts documented flat SSE error events', errorFirst],
  ['does not parse malformed text for a failed response', saysFailed],
  ['does not parse malformed text for a cancelled response', saysFailed],
  // The AI SDK's providers.
  ['AnthropicLanguageModel doStream should forward error chunks', errorFirst],
  ['should throw an api error when the first stream chunk is an', errorFirst],
  ['should throw an api error when response.failed arrives before output', errorFirst],
  ['should expose raw finish reason from late response.failed', errorFirst],
  ['doStream should preserve structured error stream parts', errorFirst],
  ['doStream should handle unparsable stream parts', notJson],
  ['should throw a descriptive error when the response has no output', noAnswer],
  ['should expose reasoning context and cache writes when streaming', noAnswer],
  ['helpful error when Chat Completions stream is received', noEnd],
  ['without a finish reason', noEnd],
  ['without waiting for the first output token', held],
  ['should throw an api error when the stream errors before output starts', errorFirst],
  // The first event of its sample lacks a brace.
  ['should expand a streamed internal parallel tool call wrapper', notJson],
  ['doStream programmatic tool calling with fixture (multi-turn dice game)', afterEnd],
  ['should include file id list in code execution tool call result', afterEnd],
  ['AnthropicLanguageModel doStream tool search tool', afterEnd],
  ['encrypted content include reasoning-delta part', afterEnd],
  ['should stream shell tool results', afterEnd],
]
