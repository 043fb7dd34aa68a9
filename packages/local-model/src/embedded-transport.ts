import type { Transport } from '@spillway/attempt'
import type { ModelRequest } from '@spillway/middleware'
import type { ResponseHeaders } from '@spillway/middleware/kit'
import type { AnswerEncoder } from './answer-encoder.ts'
import { anthropicEncoder } from './anthropic-encoder.ts'
import type { Engine } from './engine.ts'
import { isLocalModelError, type LocalModelErrorCode } from './local-model-error.ts'
import { openaiEncoder } from './openai-encoder.ts'
import { type PausableOutput, pausableOutput } from './pausable-output.ts'
import type { RequestFacts } from './request-prompt.ts'

/**
 * Answers requests with a model on this machine, in the bytes that a server of the caller's API would send:
 * Anthropic Messages or OpenAI chat completions, JSON or SSE, errors included. The model that the request names
 * is ignored; `model` in the answer is the file's base name. `count_tokens` is answered as `{"input_tokens": n}`.
 *
 * What a prompt of text cannot carry is left out and named in the response header `x-spillway-degraded`, such as
 * `tools, images`. A reader that pauses does not hold up the model: the text waits, bounded by the context. The body is
 * read in the engine's process, so that no request, however large, holds up this one.
 */
export function embeddedTransport(engine: Engine): Transport {
  return (request, sink) => {
    const stop = new AbortController()
    const call: EmbeddedCall = { engine, request, facts: { losses: [], includeUsage: false } }
    const encoder = encoderFor(call)
    const output = pausableOutput(sink, encoder)
    // The sink may be called only after the transport has returned.
    queueMicrotask(() => void answer(call, encoder, output, stop.signal))
    return {
      pause: output.pause,
      resume: output.resume,
      abort(reason) {
        output.stop()
        stop.abort(reason)
      },
    }
  }
}

interface EmbeddedCall {
  readonly engine: Engine
  readonly request: ModelRequest
  /** Known once the body has been read. */
  facts: RequestFacts
}

async function answer(
  call: EmbeddedCall,
  encoder: AnswerEncoder,
  output: PausableOutput,
  signal: AbortSignal,
): Promise<void> {
  const { engine, request } = call
  let streaming = false
  const read = (facts: RequestFacts): void => {
    call.facts = facts
  }
  try {
    const { api, operation, body } = request
    const prompt = { api, operation, bytes: body.bytes }
    if (operation === 'count_tokens') {
      const count = await engine.countTokens(prompt, signal, read)
      respond(output, 200, headersOf(encoder, call), JSON.stringify({ input_tokens: count }))
    } else if (request.stream) {
      const started = (inputTokens: number): void => {
        streaming = true
        const headers = headersOf(encoder, call)
        output.headers(200, { ...headers, 'content-type': 'text/event-stream; charset=utf-8' })
        output.raw(encoder.start(inputTokens))
      }
      const completion = await engine.generate(prompt, { read, started, text: output.piece }, signal)
      output.raw(encoder.finish(completion))
      output.end()
    } else {
      let text = ''
      const collect = (piece: string): void => {
        text += piece
      }
      const completion = await engine.generate(prompt, { read, text: collect }, signal)
      respond(output, 200, headersOf(encoder, call), encoder.whole(text, completion))
    }
  } catch (error) {
    const message = (error as Error)?.message ?? String(error)
    if (!streaming) {
      const status = statusOf(error)
      return respond(output, encoder.statusOf(status), encoder.headers, encoder.error(status, message))
    }
    output.raw(encoder.broken(message))
    output.end()
  }
}

function encoderFor(call: EmbeddedCall): AnswerEncoder {
  const { engine, request } = call
  if (request.api === 'anthropic') return anthropicEncoder(engine.model)
  const created = Math.floor(request.clock.epoch() / 1000)
  return openaiEncoder(engine.model, created, () => call.facts.includeUsage)
}

function headersOf(encoder: AnswerEncoder, { facts: { losses } }: EmbeddedCall): ResponseHeaders {
  return losses.length === 0
    ? encoder.headers
    : { ...encoder.headers, 'x-spillway-degraded': losses.join(', ') }
}

function respond(output: PausableOutput, status: number, headers: ResponseHeaders, json: string): void {
  output.headers(status, { ...headers, 'content-type': 'application/json' })
  output.raw(json)
  output.end()
}

const statuses: Partial<Readonly<Record<LocalModelErrorCode, number>>> = {
  SPILLWAY_LOCAL_PROMPT_INVALID: 400,
  SPILLWAY_LOCAL_PROMPT_TOO_LONG: 400,
  SPILLWAY_LOCAL_ENGINE_BUSY: 529,
}

function statusOf(error: unknown): number {
  return (isLocalModelError(error) && statuses[error.code]) || 500
}
