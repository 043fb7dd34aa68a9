import type { Transport } from '@spillway/attempt'
import type { JsonObject, ModelRequest, ResponseHeaders } from '@spillway/middleware'
import type { AnswerEncoder } from './answer-encoder.ts'
import { anthropicEncoder } from './anthropic-encoder.ts'
import { promptFromAnthropic } from './anthropic-prompt.ts'
import type { Engine } from './engine.ts'
import { isLocalModelError } from './local-model-error.ts'
import { openaiEncoder } from './openai-encoder.ts'
import { promptFromOpenai } from './openai-prompt.ts'
import { type PausableOutput, pausableOutput } from './pausable-output.ts'
import type { Prompt } from './prompt.ts'
import { badRequest, isObject } from './request-fields.ts'

/**
 * Answers requests with a model in this process, in the bytes that a server of the caller's API would send:
 * Anthropic Messages or OpenAI chat completions, JSON or SSE, errors included. The model that the request names
 * is ignored; `model` in the answer is the file's base name. `count_tokens` is answered as `{"input_tokens": n}`.
 *
 * What a prompt of text cannot carry is left out and named in the response header `x-spillway-degraded`, such as
 * `tools, images`. A reader that pauses does not hold up the model: the text waits, bounded by the context.
 */
export function embeddedTransport(engine: Engine): Transport {
  return (request, sink) => {
    const stop = new AbortController()
    const encoder = encoderFor(engine, request)
    const output = pausableOutput(sink, encoder)
    // The sink may be called only after the transport has returned.
    queueMicrotask(() => void answer(engine, request, encoder, output, stop.signal))
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

async function answer(
  engine: Engine,
  request: ModelRequest,
  encoder: AnswerEncoder,
  output: PausableOutput,
  signal: AbortSignal,
): Promise<void> {
  let streaming = false
  try {
    const prompt = promptOf(request)
    const headers = headersOf(encoder, prompt)
    if (request.operation === 'count_tokens') {
      const count = await engine.countTokens(prompt.turns, signal)
      respond(output, 200, headers, JSON.stringify({ input_tokens: count }))
    } else if (request.stream) {
      const started = (inputTokens: number): void => {
        streaming = true
        output.headers(200, { ...headers, 'content-type': 'text/event-stream; charset=utf-8' })
        output.raw(encoder.start(inputTokens))
      }
      const completion = await engine.generate(prompt, { started, text: output.piece }, signal)
      output.raw(encoder.finish(completion))
      output.end()
    } else {
      let text = ''
      const collect = (piece: string): void => {
        text += piece
      }
      const completion = await engine.generate(prompt, { text: collect }, signal)
      respond(output, 200, headers, encoder.whole(text, completion))
    }
  } catch (error) {
    const message = (error as Error)?.message ?? String(error)
    if (!streaming)
      return respond(output, statusOf(error), encoder.headers, encoder.error(statusOf(error), message))
    output.raw(encoder.broken(message))
    output.end()
  }
}

function encoderFor(engine: Engine, request: ModelRequest): AnswerEncoder {
  if (request.api === 'anthropic') return anthropicEncoder(engine.model)
  return openaiEncoder(engine.model, Math.floor(request.clock.epoch() / 1000), wantsUsage(request))
}

/** Whether the body asks for a usage chunk; a body that cannot be read is refused later. */
function wantsUsage(request: ModelRequest): boolean {
  try {
    const options = request.body.json.stream_options
    return isObject(options) && options.include_usage === true
  } catch {
    return false
  }
}

function promptOf(request: ModelRequest): Prompt {
  let body: JsonObject
  try {
    body = request.body.json
  } catch (error) {
    throw badRequest(`the body is no JSON object: ${(error as Error).message}`)
  }
  return request.api === 'anthropic' ? promptFromAnthropic(body, request.operation) : promptFromOpenai(body)
}

function headersOf(encoder: AnswerEncoder, { losses }: Prompt): ResponseHeaders {
  return losses.length === 0
    ? encoder.headers
    : { ...encoder.headers, 'x-spillway-degraded': losses.join(', ') }
}

function respond(output: PausableOutput, status: number, headers: ResponseHeaders, json: string): void {
  output.headers(status, { ...headers, 'content-type': 'application/json' })
  output.raw(json)
  output.end()
}

function statusOf(error: unknown): 400 | 500 {
  if (!isLocalModelError(error)) return 500
  const { code } = error
  return code === 'SPILLWAY_LOCAL_PROMPT_INVALID' || code === 'SPILLWAY_LOCAL_PROMPT_TOO_LONG' ? 400 : 500
}
