import { type Api, isStreamFailure, type ResponseBody } from '@spillway/middleware'
import { recordCall } from '@spillway/middleware/kit'
import { type SseEvent, SseScanner } from '@spillway/wire'
import { isDone } from '@spillway/wire/internal'
import { callError } from './call-error.ts'
import type { Completion } from './completion.ts'
import { type CallOptions, type Prompt, promptRequest, type Surface } from './prompt.ts'

/** The text of an answer as it comes. Iterate it once; leaving the loop cancels the call. */
export interface TextStream extends AsyncIterable<string> {
  /** Settles when the text has ended: all of it, with what is known of the call. Read the text first, or alone. */
  completion(): Promise<Completion>
}

/** Asks and hands over the text as it comes. The call begins with the first read. */
export function streamText(surface: Surface, prompt: Prompt, options: CallOptions = {}): TextStream {
  const request = recordCall(promptRequest(surface, prompt, options, true))
  let finished: Completion | undefined

  async function* read(): AsyncGenerator<string, void, undefined> {
    const response = await surface.handler(request)
    if (response.failure !== undefined) {
      response.body.cancel()
      throw callError(request, response.failure)
    }
    let text = ''
    try {
      for await (const piece of textOf(surface.api, response.body)) {
        text += piece
        yield piece
      }
    } catch (error) {
      throw isStreamFailure(error) ? callError(request, error.failure) : error
    }
    const { usage, stopReason, model } = await response.outcome
    finished = { text, usage, stopReason, model, target: response.target }
  }

  const pieces = read()
  return {
    [Symbol.asyncIterator]: () => pieces,
    async completion() {
      for await (const _ of pieces) {
        // Only the end is wanted.
      }
      if (finished === undefined) throw new TypeError('the stream was left before its end')
      return finished
    },
  }
}

async function* textOf(api: Api, body: ResponseBody): AsyncGenerator<string, void, undefined> {
  let pieces: string[] = []
  const scanner = new SseScanner((event) => {
    const piece = api === 'anthropic' ? anthropicText(event) : openaiText(event)
    if (piece) pieces.push(piece)
  })
  for await (const chunk of body) {
    scanner.push(chunk)
    yield* pieces
    pieces = []
  }
}

function anthropicText(event: SseEvent): string | undefined {
  if (event.name !== 'content_block_delta' && event.name !== 'content_block_start') return undefined
  const data = JSON.parse(event.data) as { delta?: { text?: string }; content_block?: { text?: string } }
  return data.delta?.text ?? data.content_block?.text
}

function openaiText(event: SseEvent): string | undefined {
  if (isDone(event.data)) return undefined
  const data = JSON.parse(event.data) as { choices?: { delta?: { content?: string | null } }[] }
  return data.choices?.[0]?.delta?.content ?? undefined
}
