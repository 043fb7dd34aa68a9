import type { ModelRequest, ModelResponse } from '@spillway/middleware'
import { bodyOf } from '@spillway/middleware/kit'
import { estimatePromptTokens } from '@spillway/wire'
import { withLosses } from './degraded-header.ts'

const encoder = new TextEncoder()

/**
 * Answers `count_tokens` by an estimate, for targets that have no such call. Nothing is sent.
 * @throws SyntaxError when the body is not a JSON object
 */
export function localCount(request: ModelRequest): ModelResponse {
  const tokens = estimatePromptTokens(request.body.json)
  const bytes = encoder.encode(JSON.stringify(counted(request, tokens)))
  return {
    status: 200,
    headers: withLosses({ 'content-type': 'application/json' }, ['token_count']),
    body: bodyOf(bytes),
    failure: undefined,
    outcome: Promise.resolve({
      failure: undefined,
      usage: undefined,
      stopReason: undefined,
      model: request.model,
      timings: { startedAt: request.clock.now(), end: 0 },
      bytes: bytes.length,
    }),
    target: request.context.target,
  }
}

function counted({ api }: ModelRequest, input_tokens: number): object {
  return api === 'responses' ? { object: 'response.input_tokens', input_tokens } : { input_tokens }
}
