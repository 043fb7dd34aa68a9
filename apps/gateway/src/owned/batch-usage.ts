import type { Usage } from '@spillway/middleware'
import type { PriceTable } from '@spillway/usage'
import { costOf } from '@spillway/usage'
import { anthropicUsage, openaiUsage } from '@spillway/wire'
import { isObject, parseBounded } from '@spillway/wire/internal'

/** What one model of a batch has used, over all its answers. */
export interface ModelUsage {
  readonly model: string
  readonly requests: number
  readonly input: number
  readonly output: number
  readonly cacheRead: number
  readonly cacheWrite: number
  readonly reasoning: number
  /** In nano-dollars, at the price of batches; undefined where the price of an answer is unknown. */
  readonly cost: number | undefined
}

/** No answer is larger; of a longer line it is not told what it used. */
const longestLine = 32 * 1024 * 1024
/** Models that are told apart: their names are the vendor's. */
const mostModels = 100

/** Reads what a batch used while its results pass, a line of JSON each. Nothing is held but the line that has begun. */
export class BatchUsage {
  readonly #models = new Map<string, ModelUsage>()
  readonly #facts: { readonly provider: string; readonly at: number; readonly prices: PriceTable | undefined }
  #pieces: Uint8Array[] = []
  #length = 0

  constructor(facts: {
    readonly provider: string
    readonly at: number
    readonly prices: PriceTable | undefined
  }) {
    this.#facts = facts
  }

  push(chunk: Uint8Array): void {
    let start = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      this.#keep(chunk.subarray(start, end))
      this.#line()
      start = end + 1
    }
    this.#keep(chunk.subarray(start))
  }

  /** To be asked when all has passed. */
  end(): readonly ModelUsage[] {
    this.#line()
    return [...this.#models.values()]
  }

  #keep(piece: Uint8Array): void {
    this.#length += piece.length
    if (this.#length > longestLine) this.#pieces = []
    else if (piece.length > 0) this.#pieces.push(piece)
  }

  #line(): void {
    const line = this.#length > longestLine ? undefined : Buffer.concat(this.#pieces)
    this.#pieces = []
    this.#length = 0
    if (line === undefined || line.length === 0) return
    const value = parseBounded(line)
    if (!isObject(value)) return
    const answer = answerOf(value)
    if (answer !== undefined) this.#add(answer.model, answer.usage)
  }

  #add(named: string, usage: Usage): void {
    const model = this.#models.has(named) || this.#models.size < mostModels ? named : 'other'
    const { provider, at, prices } = this.#facts
    const cost = costOf(usage, { model: named, provider, at, batch: true }, prices).nanoDollars
    const before = this.#models.get(model)
    this.#models.set(model, {
      model,
      requests: (before?.requests ?? 0) + 1,
      input: (before?.input ?? 0) + usage.inputTokens,
      output: (before?.output ?? 0) + usage.outputTokens,
      cacheRead: (before?.cacheRead ?? 0) + usage.cacheReadTokens,
      cacheWrite: (before?.cacheWrite ?? 0) + usage.cacheWriteTokens,
      reasoning: (before?.reasoning ?? 0) + usage.reasoningTokens,
      cost:
        cost === undefined || (before !== undefined && before.cost === undefined)
          ? undefined
          : (before?.cost ?? 0) + cost,
    })
  }
}

/** The answer in a line of Anthropic's results or of OpenAI's output file. */
function answerOf(line: Readonly<Record<string, unknown>>): { model: string; usage: Usage } | undefined {
  const { result, response } = line
  const message = isObject(result) ? result.message : undefined
  if (isObject(message)) return known(message.model, anthropicUsage(message.usage))
  const body = isObject(response) ? response.body : undefined
  return isObject(body) ? known(body.model, openaiUsage(body.usage)) : undefined
}

function known(model: unknown, usage: Usage | undefined): { model: string; usage: Usage } | undefined {
  return typeof model === 'string' && usage !== undefined ? { model: model.slice(0, 256), usage } : undefined
}
