import type { JsonObject } from '@spillway/middleware'
import { isObject } from '@spillway/wire'

/** Keywords of JSON Schema whose value is one schema, a list of them, or a mapping of names to them. */
const inner: ReadonlySet<string> = new Set([
  'items',
  'additionalItems',
  'contains',
  'not',
  'if',
  'then',
  'else',
])
const lists: ReadonlySet<string> = new Set(['anyOf', 'allOf', 'oneOf', 'prefixItems', 'items'])
const mappings: ReadonlySet<string> = new Set(['properties', '$defs', 'definitions', 'patternProperties'])

/** Levels of a schema that are looked into. */
const deepest = 128

/** Changes a schema and all that are inside of it, innermost first. */
function mapSchema(schema: unknown, change: (schema: JsonObject) => JsonObject, depth = 0): unknown {
  if (!isObject(schema) || depth > deepest) return schema
  const deeper = (value: unknown): unknown => mapSchema(value, change, depth + 1)
  const mapped = Object.fromEntries(
    Object.entries(schema).map(([name, value]): [string, unknown] => {
      if (mappings.has(name) && isObject(value)) {
        return [name, Object.fromEntries(Object.entries(value).map(([key, each]) => [key, deeper(each)]))]
      }
      if (lists.has(name) && Array.isArray(value)) return [name, value.map(deeper)]
      return [name, inner.has(name) ? deeper(value) : value]
    }),
  )
  return change(mapped)
}

function isOfObjects({ type, properties }: JsonObject): boolean {
  return type === 'object' || (Array.isArray(type) && type.includes('object')) || isObject(properties)
}

/**
 * A schema in which every object says that it has no properties but those named, as Anthropic wants it of answers.
 * @param opened told where one said that it may have others
 */
export function closedSchema(schema: unknown, opened: () => void): unknown {
  return mapSchema(schema, (each) => {
    if (!isOfObjects(each) || each.additionalProperties === false) return each
    if (each.additionalProperties !== undefined) opened()
    return { ...each, additionalProperties: false }
  })
}

/** Whether OpenAI takes a schema as `strict`: all objects are closed, and all their properties required. */
export function isStrictSchema(schema: unknown): boolean {
  let isStrict = isObject(schema)
  mapSchema(schema, (each) => {
    if (!isOfObjects(each)) return each
    const required = new Set(Array.isArray(each.required) ? each.required : [])
    const names = Object.keys(isObject(each.properties) ? each.properties : {})
    if (each.additionalProperties !== false || names.some((name) => !required.has(name))) isStrict = false
    return each
  })
  return isStrict
}
