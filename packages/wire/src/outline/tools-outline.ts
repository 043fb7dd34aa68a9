import { escapedToken, tokenCode } from '../json/token-code.ts'
import { openingMessages } from '../prompt-facts.ts'
import { BLOCKS, BODY, LIST, MESSAGE, OPEN_ARRAY, OPEN_OBJECT } from './depths.ts'
import type { TextSpan } from './text-span.ts'

/** Of `null`. */
const LETTER_N = 0x6e

const NAME = tokenCode('name')
const FUNCTION = tokenCode('function')
const TYPE = tokenCode('type')

/** Types of tools that the client runs. */
const usual: ReadonlySet<number> = new Set(['custom', 'function'].map(tokenCode))

/** What tools name that do more. */
const telling: ReadonlySet<number> = new Set(
  [
    ...['tools', 'server_url', 'connector_id', 'model', 'models'],
    ...['container', 'environment', 'vector_store_ids'],
  ].map(tokenCode),
)

/** What the list of tools has: how many, what they are called, and whether there are others than such as the client runs. */
export class ToolsOutline {
  /** Of the first tools; undefined for those without one. */
  readonly names: (TextSpan | undefined)[] = []
  count = 0
  isList = false
  isUnclear = false
  /** Whether there is something else than tools that the client runs and that name nothing beside. */
  hasOthers = false
  #isTool = false
  #inFunction = false
  #fieldName = 0
  #innerName = 0
  #start = 0
  #name: TextSpan | undefined
  #functionName: TextSpan | undefined

  name(depth: number, code: number): void {
    if (depth === MESSAGE) {
      this.#fieldName = code
      if (telling.has(code)) this.hasOthers = true
    } else if (depth === BLOCKS) this.#innerName = code
    else return
    if (code === escapedToken) this.isUnclear = true
  }

  begin(depth: number, start: number, first: number): void {
    if (depth > BLOCKS) return
    this.#start = start
    if (depth === BODY) {
      this.isList = first === OPEN_ARRAY
      if (!this.isList && first !== LETTER_N) this.hasOthers = true
    } else if (depth === LIST) {
      this.count++
      this.#isTool = this.isList && first === OPEN_OBJECT
      if (!this.#isTool) this.hasOthers = true
      this.#name = undefined
      this.#functionName = undefined
    } else if (depth === MESSAGE) {
      this.#inFunction = this.#isTool && this.#fieldName === FUNCTION && first === OPEN_OBJECT
      if (this.#fieldName === FUNCTION) this.#functionName = undefined
    }
  }

  end(depth: number, end: number, code: number, saved: number): void {
    if (depth === LIST) {
      if (this.names.length < openingMessages) this.names.push(this.#name ?? this.#functionName)
    } else if (depth === MESSAGE && this.#isTool) {
      if (this.#fieldName === NAME) this.#name = code !== 0 ? { start: this.#start, end, saved } : undefined
      if (this.#fieldName === TYPE && !usual.has(code)) this.hasOthers = true
    } else if (depth === BLOCKS && this.#inFunction && this.#innerName === NAME)
      this.#functionName = code !== 0 ? { start: this.#start, end, saved } : undefined
  }
}
