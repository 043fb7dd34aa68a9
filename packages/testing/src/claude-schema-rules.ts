import { fieldsOf } from './answer.ts'

type Fields = ReturnType<typeof fieldsOf>

/** Levels of a schema that are looked into; no real one is deeper. */
const deepest = 64

/** What the grammar of an answer cannot say, by type; it refuses what it cannot keep. */
const unsupported: Readonly<Record<string, readonly string[]>> = {
  integer: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  string: ['minLength', 'maxLength'],
  array: ['maxItems', 'uniqueItems', 'contains', 'prefixItems'],
  object: ['minProperties', 'maxProperties', 'patternProperties', 'propertyNames'],
}
const neverSupported = ['oneOf', 'not', 'if', 'dependentSchemas']

/** What is wrong with the schema that an answer, or the input of a strict tool, has to keep to. */
export function wrongSchema(schema: unknown, place: string, depth = 0): string | undefined {
  if (typeof schema !== 'object' || schema === null || depth > deepest) return undefined
  const { type, additionalProperties, minItems, ...rest } = fieldsOf(schema)
  if (!Array.isArray(schema) && typeof type === 'string') {
    if (type === 'object' && additionalProperties !== false) {
      return `${place}: For 'object' type, 'additionalProperties' must be explicitly set to false`
    }
    if (type === 'array' && minItems !== undefined && minItems !== 0 && minItems !== 1) {
      return `${place}: For 'array' type, 'minItems' values other than 0 or 1 are not supported`
    }
    const names = [...(unsupported[type] ?? []), ...neverSupported].filter((name) => rest[name] !== undefined)
    if (names.length > 0)
      return `${place}: For '${type}' type, properties ${names.join(', ')} are not supported`
  }
  for (const [name, value] of Object.entries(schema)) {
    const found = wrongSchema(value, `${place}.${name}`, depth + 1)
    if (found !== undefined) return found
  }
  return undefined
}

const namePattern = /^[a-zA-Z0-9_-]{1,128}$/

/** What is wrong with the tools of a request, and with its choice among them. */
export function wrongTools({ tools, tool_choice }: Fields): string | undefined {
  const list = (Array.isArray(tools) ? tools : []).map(fieldsOf)
  const names = new Set<unknown>()
  for (const [i, { type, name, input_schema, strict }] of list.entries()) {
    if (names.has(name)) return 'tools: Tool names must be unique.'
    names.add(name)
    if (type !== undefined && type !== 'custom') continue
    if (!namePattern.test(String(name))) {
      return `tools.${i}.custom.name: String should match pattern '${namePattern.source}'`
    }
    if (fieldsOf(input_schema).type !== 'object') {
      return `tools.${i}.custom.input_schema.type: ${fieldsOf(input_schema).type === undefined ? 'Field required' : "Input should be 'object'"}`
    }
    const wrong = strict === true ? wrongSchema(input_schema, `tools.${i}.custom.input_schema`) : undefined
    if (wrong !== undefined) return wrong
  }
  const choice = fieldsOf(tool_choice)
  if (tool_choice != null && list.length === 0) {
    return 'tool_choice: may only be specified while providing tools'
  }
  return choice.type === 'tool' && !names.has(choice.name)
    ? `Tool '${choice.name}' not found in provided tools`
    : undefined
}
