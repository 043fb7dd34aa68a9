import type { JsonObject } from '@spillway/middleware/kit'
import { isObject } from '../json/values.ts'
import { AnswerSize } from './grow.ts'

/** Puts the events of a response together: its last one has it whole, or without its items, which came before. */
export class ResponsesAssembler {
  readonly #items = new Map<unknown, unknown>()
  readonly #size = new AnswerSize()
  #response: JsonObject | undefined

  /** @throws RangeError for more parts than an answer has */
  read({ type, response, item, output_index }: JsonObject): void {
    if (type === 'response.output_item.done') {
      this.#size.addPart()
      this.#size.add(item)
      this.#items.set(output_index, item)
    } else if (isObject(response)) this.#response = response
  }

  toJson(): string | undefined {
    const response = this.#response
    if (response === undefined) return undefined
    const { output } = response
    const isWhole = this.#items.size === 0 || (Array.isArray(output) && output.length > 0)
    return JSON.stringify(isWhole ? response : { ...response, output: [...this.#items.values()] })
  }
}
