import type { FieldSpan } from '@spillway/middleware/kit'
import { escapedToken, tokenCode } from '../json/token-code.ts'
import { BODY, LIST } from './depths.ts'
import { TextsOutline } from './texts-outline.ts'
import { ToolsOutline } from './tools-outline.ts'
import { TurnsOutline } from './turns-outline.ts'

/** Where a body has what its conversation is recognised by; undefined for fields that it has not. */
export interface PromptOpening {
  readonly system: TextsOutline | undefined
  readonly instructions: TextsOutline | undefined
  readonly tools: ToolsOutline | undefined
  readonly messages: TurnsOutline | undefined
  readonly input: TurnsOutline | undefined
}

type Area = TextsOutline | ToolsOutline | TurnsOutline

const areaNames = ['system', 'instructions', 'tools', 'messages', 'input'] as const
const names = new Map(areaNames.map((name) => [tokenCode(name), name]))

/** Puts together what a conversation is recognised by while its body is scanned: places of its first texts and of names. */
export class OpeningOutline {
  readonly #areas: { -readonly [name in keyof PromptOpening]?: PromptOpening[name] } = {}
  /** Where the values of the areas begin, for each that there is. */
  readonly #starts: Partial<Record<keyof PromptOpening, number>> = {}
  #isUnclear = false
  #name: keyof PromptOpening | undefined
  #area: Area | undefined

  name(depth: number, code: number): void {
    if (depth === BODY) {
      this.#name = names.get(code)
      if (code === escapedToken) this.#isUnclear = true
    } else this.#area?.name(depth, code)
  }

  begin(depth: number, start: number, first: number): void {
    if (depth === BODY) this.#area = this.#enter(start)
    this.#area?.begin(depth, start, first)
  }

  end(depth: number, end: number, code: number, saved: number): void {
    this.#area?.end(depth, end, code, saved)
    if (depth === BODY) this.#area = undefined
  }

  #enter(start: number): Area | undefined {
    const name = this.#name
    if (name === undefined) return undefined
    this.#starts[name] = start
    switch (name) {
      case 'tools':
        this.#areas.tools = new ToolsOutline()
        return this.#areas.tools
      case 'messages':
      case 'input':
        this.#areas[name] = new TurnsOutline()
        return this.#areas[name]
      default:
        this.#areas[name] = new TextsOutline(LIST)
        return this.#areas[name]
    }
  }

  /** Which tools there are. */
  get tools(): 'none' | 'plain' | 'other' {
    const { tools } = this.#areas
    if (this.#isUnclear) return 'other'
    if (tools === undefined || (tools.count === 0 && !tools.hasOthers)) return 'none'
    return tools.hasOthers || tools.isUnclear ? 'other' : 'plain'
  }

  /** Undefined where it takes a parser to tell. */
  result(fields: ReadonlyMap<string, FieldSpan>): PromptOpening | undefined {
    if (this.#isUnclear) return undefined
    const { system, instructions, tools, messages, input } = this.#areas
    const areas = { system, instructions, tools, messages, input }
    for (const name of areaNames) {
      // Another name may happen to have its code.
      if (areas[name]?.isUnclear || this.#starts[name] !== fields.get(name)?.[0]) return undefined
    }
    return areas
  }
}
