import type { JsonObject } from '@spillway/middleware/kit'
import { isObject, objectsOf, prependFields, stringField, textOf } from '@spillway/wire/internal'
import type { ChatDialect } from './dialect.ts'
import { defined } from './json.ts'
import type { Loss } from './loss.ts'
import { isStrictSchema } from './schemas.ts'
import { changedToolNames, type ToolNames, toolNameFor } from './tool-names.ts'

type Lose = (loss: Loss) => void

/** The tools of a chat request, and what they are called at home. */
export interface ChatTools {
  readonly fields: JsonObject
  readonly names: ToolNames
}

/** Translates `tools` and `tool_choice` of a Messages request. Tools that run at Anthropic have no counterpart. */
export function chatTools(body: JsonObject, dialect: ChatDialect, lose: Lose): ChatTools {
  const all = objectsOf(body.tools)
  const own = all.filter(({ type }) => type === undefined || type === null || type === 'custom')
  if (own.length < all.length) lose('server_tools')
  const names = own.map((tool) => textOf(tool.name))
  const tools = own.map((tool) => chatTool(tool, dialect, lose))
  return {
    fields: {
      ...(tools.length > 0 ? { tools, ...chatToolChoice(body.tool_choice, names, dialect, lose) } : {}),
    },
    names: changedToolNames('openai', names),
  }
}

function chatTool(tool: JsonObject, dialect: ChatDialect, lose: Lose): JsonObject {
  if (tool.cache_control != null && !dialect.cacheControl) lose('cache_control')
  const schema = isObject(tool.input_schema) ? tool.input_schema : {}
  const strict = tool.strict === true && dialect.strict && isStrictSchema(schema)
  if (tool.strict === true && !strict) lose('structured_output')
  return defined({
    type: 'function',
    function: defined({
      name: toolNameFor('openai', textOf(tool.name)),
      description: tool.description,
      parameters: withDefaults(schema),
      strict: strict ? true : undefined,
    }),
    cache_control: dialect.cacheControl ? (tool.cache_control ?? undefined) : undefined,
  })
}

/** An object without properties is no schema to OpenAI. */
function withDefaults(schema: JsonObject): JsonObject {
  const known = Object.hasOwn(schema, 'type') ? {} : { type: 'object' }
  if (schema.properties != null) return prependFields(schema, known)
  if (Object.hasOwn(schema, 'properties')) return { type: 'object', ...schema, properties: {} }
  return prependFields(schema, { ...known, properties: {} })
}

function chatToolChoice(
  choice: unknown,
  names: readonly string[],
  dialect: ChatDialect,
  lose: Lose,
): JsonObject {
  if (!isObject(choice)) return {}
  const fields: Record<string, unknown> = {}
  if (choice.disable_parallel_tool_use === true) {
    if (dialect.parallelToolCalls) fields.parallel_tool_calls = false
    else lose('parallel_tool_calls')
  }
  const wanted = wantedChoice(choice, names)
  if (wanted === undefined) lose('tool_choice')
  else if (dialect.toolChoice) fields.tool_choice = wanted
  else if (wanted !== 'auto') lose('tool_choice')
  return fields
}

function wantedChoice(choice: JsonObject, names: readonly string[]): unknown {
  switch (choice.type) {
    case 'auto':
    case 'none':
      return choice.type
    case 'any':
      return 'required'
    case 'tool': {
      const name = stringField(choice, 'name') ?? ''
      if (!names.includes(name)) return undefined
      return { type: 'function', function: { name: toolNameFor('openai', name) } }
    }
  }
  return undefined
}
