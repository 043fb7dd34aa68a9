import type { JsonObject } from '@spillway/middleware/kit'
import { field, isObject, objectsOf, stringField, textOf } from '@spillway/wire/internal'
import { defined } from '../protocols/json.ts'
import type { Loss } from '../protocols/loss.ts'
import { toolNameFor } from '../protocols/tool-names.ts'
import { type BuiltInTool, builtInTools } from './built-in-tools.ts'

type Lose = (loss: Loss) => void

/** What a tool of chat completions is to a caller of the Responses API. */
export type ToolKind =
  | { readonly type: 'function'; readonly name: string; readonly namespace?: string }
  | { readonly type: 'custom'; readonly name: string; readonly namespace?: string }
  | { readonly type: BuiltInTool }

/** By the name that the model sees. */
export type ToolKinds = ReadonlyMap<string, ToolKind>

/** The tools of a request of the Responses API as functions of chat completions, which every server has. */
export interface ChatFunctions {
  readonly tools: readonly JsonObject[]
  readonly kinds: ToolKinds
}

/**
 * Custom tools become functions with one text, and tools of a namespace get its name before theirs. Tools that run at the vendor
 * have no counterpart.
 */
export function chatFunctions(tools: unknown, lose: Lose): ChatFunctions {
  const kinds = new Map<string, ToolKind>()
  const functions: JsonObject[] = []
  const add = (tool: JsonObject, namespace?: string): void => {
    const { type } = tool
    if (type === 'namespace') {
      for (const inner of objectsOf(tool.tools)) add(inner, textOf(tool.name))
      return
    }
    const builtIn = builtInTools.get(textOf(type))
    const name = builtIn?.name ?? nameWithin(namespace, textOf(tool.name))
    if (kinds.has(name)) return
    if (builtIn !== undefined) {
      kinds.set(name, { type: builtIn.type })
      functions.push(chatFunction(name, builtIn.description, builtIn.parameters))
    } else if (type === 'function') {
      kinds.set(name, { type, name: textOf(tool.name), ...(namespace === undefined ? {} : { namespace }) })
      functions.push(chatFunction(name, tool.description, tool.parameters, tool.strict))
    } else if (type === 'custom') {
      kinds.set(name, { type, name: textOf(tool.name), ...(namespace === undefined ? {} : { namespace }) })
      functions.push(chatFunction(name, customDescription(tool), customParameters))
    } else lose('server_tools')
  }
  for (const tool of objectsOf(tools)) add(tool)
  return { tools: functions, kinds }
}

/** The name under which the model sees a tool, which every server takes. */
export function nameWithin(namespace: string | undefined, name: string): string {
  return toolNameFor('openai', namespace === undefined || namespace === '' ? name : `${namespace}__${name}`)
}

const customParameters = {
  type: 'object',
  properties: { input: { type: 'string' } },
  required: ['input'],
  additionalProperties: false,
}

function chatFunction(name: string, description: unknown, parameters: unknown, strict?: unknown): JsonObject {
  return {
    type: 'function',
    function: defined({
      name,
      description: description ?? undefined,
      parameters: isObject(parameters) ? parameters : undefined,
      strict: strict === true ? true : undefined,
    }),
  }
}

/** A grammar cannot be enforced here; the model reads it. */
function customDescription(tool: JsonObject): string {
  const format = isObject(tool.format) ? tool.format : {}
  const grammar = format.type === 'grammar' ? textOf(field(format, 'definition')) : ''
  const rule =
    grammar === '' ? '' : `The input is a text of this ${textOf(format.syntax)} grammar:\n${grammar}`
  return [stringField(tool, 'description'), rule].filter(Boolean).join('\n\n')
}

/** `tool_choice` in the words of chat completions, and the tools that may be called by it. */
export function chatChoice(
  choice: unknown,
  functions: ChatFunctions,
  lose: Lose,
): { readonly tools: readonly JsonObject[]; readonly tool_choice: unknown } {
  const { tools } = functions
  if (choice == null || typeof choice === 'string') return { tools, tool_choice: choice ?? undefined }
  const type = stringField(choice, 'type') ?? ''
  if (type === 'allowed_tools') {
    const allowed = new Set(objectsOf(field(choice, 'tools')).map(nameOfChoice))
    const tool_choice = field(choice, 'mode') === 'required' ? 'required' : 'auto'
    return { tools: tools.filter((tool) => allowed.has(textOf(field(tool.function, 'name')))), tool_choice }
  }
  const name = nameOfChoice(choice as JsonObject)
  if (functions.kinds.has(name)) return { tools, tool_choice: { type: 'function', function: { name } } }
  lose('tool_choice')
  return { tools, tool_choice: undefined }
}

function nameOfChoice(choice: JsonObject): string {
  return (
    builtInTools.get(textOf(choice.type))?.name ??
    nameWithin(stringField(choice, 'namespace'), textOf(choice.name))
  )
}
