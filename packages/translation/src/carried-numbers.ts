import { type JsonBody, type JsonObject, withKnownFields } from '@spillway/middleware/kit'
import { writeJson } from '@spillway/wire/internal'

/** The names under which the limit of an answer is carried to the other protocol. */
const limits: readonly string[] = ['max_tokens', 'max_completion_tokens', 'max_output_tokens']

/** Makes JSON of a field's value. */
export type FieldWriter = (name: string, value: unknown) => string

/**
 * Writes a translated body with the numbers at its top as the caller wrote them, where it carries them: 1.0 stays 1.0.
 * @param source the body that was translated
 */
export function writerWithNumbersOf(source: JsonBody, translated: JsonObject): (json: JsonObject) => string {
  const texts = numberTexts(source, translated)
  if (texts.size === 0) return writeJson
  return (json) => {
    const fields = Object.entries(json).filter(([, value]) => value !== undefined)
    return `{${fields.map(([name, value]) => `${JSON.stringify(name)}:${texts.get(name) ?? writeJson(value)}`)}}`
  }
}

/** {@link writerWithNumbersOf}, for one field at a time. */
export function fieldWriterWithNumbersOf(source: JsonBody, translated: JsonObject): FieldWriter {
  const texts = numberTexts(source, translated)
  return (name, value) => texts.get(name) ?? writeJson(value)
}

function numberTexts(source: JsonBody, translated: JsonObject): ReadonlyMap<string, string> {
  const texts = new Map<string, string>()
  for (const [name, value] of Object.entries(translated)) {
    const text = typeof value === 'number' ? textOf(source, name, value) : undefined
    if (text !== undefined) texts.set(name, text)
  }
  return texts
}

/** The text of a number in the source, where it is another one than JavaScript has for it. */
function textOf(source: JsonBody, name: string, value: number): string | undefined {
  const known = withKnownFields(source)
  for (const each of limits.includes(name) ? limits : [name]) {
    const [start, end] = known?.fields?.get(each) ?? [0, 0]
    if (end === start || end - start > longestNumber) continue
    const text = Buffer.from(source.bytes.subarray(start, end)).toString('latin1')
    if (Number(text) === value && text !== String(value)) return text
  }
  return undefined
}

/** In bytes; longer ones do not occur. */
const longestNumber = 64
