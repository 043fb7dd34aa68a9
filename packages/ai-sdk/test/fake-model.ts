import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
} from '@ai-sdk/provider'

export type Part = LanguageModelV4StreamPart
/** One step of a stream: a part, a failure of the stream, or a wait. */
export type Step = Part | Error | Promise<unknown>

export interface FakeModel extends LanguageModelV4 {
  readonly calls: LanguageModelV4CallOptions[]
  /** How many streams were given up by their reader. */
  cancelled: number
}

export interface FakeAnswers {
  readonly provider?: string
  readonly modelId?: string
  /** The answer to the call of this number; what is an Error is thrown. */
  readonly generate?: (call: number) => LanguageModelV4GenerateResult | Error | Promise<never>
  readonly stream?: (call: number) => readonly Step[] | Error | Promise<never>
}

/** A model whose answers are written down. */
export function fakeModel({ provider = 'fake', modelId = 'm', generate, stream }: FakeAnswers): FakeModel {
  const calls: LanguageModelV4CallOptions[] = []
  const model: FakeModel = {
    ...{ specificationVersion: 'v4', provider, modelId, supportedUrls: {}, calls, cancelled: 0 },
    async doGenerate(options) {
      calls.push(options)
      const answer = await generate?.(calls.length)
      if (answer === undefined) throw new Error('not expected')
      if (answer instanceof Error) throw answer
      return answer
    },
    async doStream(options) {
      calls.push(options)
      const answer = await stream?.(calls.length)
      if (answer === undefined) throw new Error('not expected')
      if (answer instanceof Error) throw answer
      const steps = [...answer]
      return {
        request: { body: { asked: modelId } },
        response: { headers: { 'x-from': modelId } },
        stream: new ReadableStream<Part>(
          {
            async pull(controller) {
              for (;;) {
                const step = steps.shift()
                if (step === undefined) return controller.close()
                if (step instanceof Promise) await step
                else if (step instanceof Error) return controller.error(step)
                else return controller.enqueue(step)
              }
            },
            cancel() {
              model.cancelled++
            },
          },
          { highWaterMark: 0 },
        ),
      }
    },
  }
  return model
}

export const usage: LanguageModelV4Usage = {
  inputTokens: { total: 12, noCache: 10, cacheRead: 2, cacheWrite: 0 },
  outputTokens: { total: 5, text: 4, reasoning: 1 },
}

export function said(
  text: string,
  more: Partial<LanguageModelV4GenerateResult> = {},
): LanguageModelV4GenerateResult {
  return {
    content: [{ type: 'text', text }],
    finishReason: { unified: 'stop', raw: 'end_turn' },
    ...{ usage, warnings: [], ...more },
  }
}

export const begin: readonly Part[] = [
  { type: 'stream-start', warnings: [] },
  { type: 'text-start', id: '0' },
]
export const end: readonly Part[] = [
  { type: 'text-end', id: '0' },
  { type: 'finish', finishReason: { unified: 'stop', raw: 'end_turn' }, usage },
]
export const words = (text: string): Part => ({ type: 'text-delta', id: '0', delta: text })
export const streamed = (text: string): readonly Part[] => [...begin, words(text), ...end]

export async function partsOf(stream: ReadableStream<Part>): Promise<Part[]> {
  const parts: Part[] = []
  for await (const part of stream) parts.push(part)
  return parts
}

export const textOf = (parts: readonly Part[]): string =>
  parts.map((part) => (part.type === 'text-delta' ? part.delta : '')).join('')
