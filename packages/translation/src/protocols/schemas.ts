import type { JsonObject } from '@spillway/middleware/kit'
import { isObject, prependFields } from '@spillway/wire/internal'

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
  return change(
    mapped(schema, (value, name) => {
      if (mappings.has(name) && isObject(value)) return mapped(value, deeper)
      if (lists.has(name) && Array.isArray(value)) {
        const items = value.map(deeper)
        return items.every((item, index) => item === value[index]) ? value : items
      }
      return inner.has(name) ? deeper(value) : value
    }),
  )
}

/** The object with its values changed; the very same one where none of them has. */
function mapped(object: JsonObject, change: (value: unknown, name: string) => unknown): JsonObject {
  const entries = Object.entries(object).map(([name, value]): [string, unknown] => [
    name,
    change(value, name),
  ])
  return entries.every(([name, value]) => value === object[name]) ? object : Object.fromEntries(entries)
}

function isOfObjects({ type, properties }: JsonObject): boolean {
  return type === 'object' || (Array.isArray(type) && type.includes('object')) || isObject(properties)
}

/**
 * A schema in which every object says that it has no properties but those named, as Anthropic wants it of answers.
 * @param opened told where one said that it may have others
 */
function closedSchema(schema: unknown, opened: () => void): unknown {
  return mapSchema(schema, (each) => {
    if (!isOfObjects(each) || each.additionalProperties === false) return each
    if (!Object.hasOwn(each, 'additionalProperties'))
      return prependFields(each, { additionalProperties: false })
    opened()
    return { ...each, additionalProperties: false }
  })
}

/** What Claude cannot keep an answer to, and refuses: limits of values and sizes, and what is not said positively. */
const beyondClaude: ReadonlySet<string> = new Set(
  `minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength maxItems uniqueItems contains minContains
  maxContains minProperties maxProperties patternProperties propertyNames not if then else dependentSchemas dependentRequired
  unevaluatedProperties unevaluatedItems`.split(/\s+/),
)

/** The formats of strings that it knows. */
const knownFormats: ReadonlySet<unknown> = new Set(
  'date-time time date duration email hostname uri ipv4 ipv6 uuid'.split(' '),
)

function isBeyondClaude(name: string, value: unknown): boolean {
  if (name === 'minItems') return value !== 0 && value !== 1
  if (name === 'format') return !knownFormats.has(value)
  return beyondClaude.has(name)
}

/**
 * A schema as Claude takes it of answers and of the input of strict tools: closed, one of several alternatives said as any of them,
 * and what it cannot be kept to moved into the description, for the model to read.
 * @param lost told where it is less than what was asked
 */
export function claudeSchema(schema: unknown, lost: () => void): unknown {
  const said = mapSchema(schema, (each) => {
    const beyond = Object.entries(each).filter(([name, value]) => isBeyondClaude(name, value))
    if (beyond.length === 0 && each.oneOf === undefined) return each
    const { oneOf, ...rest } = Object.fromEntries(
      Object.entries(each).filter(([name, value]) => !isBeyondClaude(name, value)),
    )
    const alternatives = oneOf === undefined ? {} : { anyOf: rest.anyOf ?? oneOf }
    if (beyond.length === 0 && rest.anyOf === undefined) return { ...rest, ...alternatives }
    lost()
    const limits = beyond.map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join(', ')
    const description = [each.description, limits].filter(Boolean).join('\n')
    return { ...rest, ...alternatives, ...(description !== '' && { description }) }
  })
  return closedSchema(said, lost)
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
