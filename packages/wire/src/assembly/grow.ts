import type { JsonObject } from '@spillway/middleware/kit'

/** An object that is being put together. */
export type Growing = Record<string, unknown>

/** Values that one answer may have besides its texts; no model's answer comes near it. */
export const mostValues = 500_000

/** What a block, a choice or a call takes besides its fields, in values. */
const partWeight = 20

/** Counts what is kept of one answer. */
export class AnswerSize {
  #left: number = mostValues

  /**
   * A block, a choice or a call more.
   * @throws RangeError when there is too much
   */
  addPart(): void {
    this.#take(partWeight)
  }

  /**
   * A value more, with all that is in it.
   * @throws RangeError when there is too much
   */
  add(value: unknown): void {
    if (typeof value !== 'object' || value === null) return
    const rest: object[] = [value]
    for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
      const values: unknown[] = Array.isArray(next) ? next : Object.values(next)
      this.#take(1 + values.length)
      for (const each of values) if (typeof each === 'object' && each !== null) rest.push(each)
    }
  }

  #take(count: number): void {
    this.#left -= count
    if (this.#left < 0) throw new RangeError(`the answer has more than ${mostValues} values`)
  }
}

/**
 * Adds the fields of a delta to what there is, but for those named: texts and lists grow, everything else is replaced.
 * @throws RangeError when there is too much
 */
export function growFields(
  grown: Growing,
  delta: JsonObject,
  except: ReadonlySet<string>,
  size: AnswerSize,
): void {
  for (const [name, value] of fieldsOf(delta, except)) {
    const before = grown[name]
    if (typeof before === 'string' && typeof value === 'string') grown[name] = before + value
    else if (Array.isArray(before) && Array.isArray(value)) {
      size.add(value)
      for (const each of value) before.push(each)
    } else replace(grown, name, Array.isArray(value) ? [...value] : value, size)
  }
}

/**
 * Replaces fields by their latest value, but for those named.
 * @throws RangeError when there is too much
 */
export function replaceFields(
  grown: Growing,
  latest: JsonObject,
  except: ReadonlySet<string>,
  size: AnswerSize,
): void {
  for (const [name, value] of fieldsOf(latest, except)) replace(grown, name, value, size)
}

/** Null says nothing new. */
function replace(grown: Growing, name: string, value: unknown, size: AnswerSize): void {
  if (value === null && Object.hasOwn(grown, name)) return
  if (!Object.hasOwn(grown, name)) size.add([value])
  else size.add(value)
  grown[name] = value
}

/** The name of an object's prototype is no field of any protocol. */
function fieldsOf(object: JsonObject, except: ReadonlySet<string>): [string, unknown][] {
  return Object.entries(object).filter(([name]) => !except.has(name) && name !== '__proto__')
}
