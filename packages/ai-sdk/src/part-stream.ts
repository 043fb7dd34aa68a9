import type { LanguageModelV4StreamPart } from '@ai-sdk/provider'
import { isStreamFailure, type ModelResponse, type StreamFailure } from '@spillway/middleware'
import type { ModelAnswer } from './model-call.ts'
import { numbersIn } from './part-encoder.ts'

export interface PartStreamOptions {
  readonly answers: readonly ModelAnswer[]
  /** Adds to the last part what is known of the call by then. */
  readonly finished: (part: FinishPart) => FinishPart
  /** What is told of a stream that broke off. */
  readonly broken: (error: StreamFailure) => unknown
}

type FinishPart = Extract<LanguageModelV4StreamPart, { type: 'finish' }>

/** The parts of the body of a response, as the AI SDK reads them. A stream that breaks off ends with an error part. */
export function partStream(
  { body }: ModelResponse,
  options: PartStreamOptions,
): ReadableStream<LanguageModelV4StreamPart> {
  const chunks = body[Symbol.asyncIterator]()
  let hasModel = false
  const partsIn = (events: Uint8Array): LanguageModelV4StreamPart[] =>
    numbersIn(events).flatMap(([number, index]): LanguageModelV4StreamPart[] => {
      const answer = options.answers[number]
      const part = answer?.take(index)
      if (answer === undefined || part === undefined) return []
      if (part.type === 'response-metadata' && part.modelId !== undefined) hasModel = true
      if (part.type !== 'finish') return [part]
      const finish = options.finished(part)
      return hasModel ? [finish] : [{ type: 'response-metadata', modelId: answer.modelId }, finish]
    })
  return new ReadableStream<LanguageModelV4StreamPart>(
    {
      async pull(controller) {
        try {
          for (;;) {
            const { done, value } = await chunks.next()
            if (done) return controller.close()
            const parts = partsIn(value)
            for (const part of parts) controller.enqueue(part)
            if (parts.length > 0) return
          }
        } catch (error) {
          if (!isStreamFailure(error)) return controller.error(error)
          controller.enqueue({ type: 'error', error: options.broken(error) })
          controller.close()
        }
      },
      cancel: (reason) => body.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}
