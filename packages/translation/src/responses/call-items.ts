import type { JsonObject } from '@spillway/middleware/kit'
import { isObject, parseObject, textOf, writeJson } from '@spillway/wire/internal'
import { builtInFields } from './built-in-tools.ts'
import type { ToolKind } from './tool-kinds.ts'

/** What ids of the items of calls begin with. */
const prefixes: Readonly<Record<ToolKind['type'], string>> = {
  function: 'fc',
  custom: 'ctc',
  apply_patch: 'apc',
  shell: 'sh',
  local_shell: 'lsh',
}

export function callPrefix(kind: ToolKind): string {
  return prefixes[kind.type]
}

/**
 * The item of a call as it begins, or as it has ended.
 * @param args its arguments as JSON; undefined while they are to come
 */
export function callItem(id: string, callId: unknown, kind: ToolKind, args: string | undefined): JsonObject {
  const status = args === undefined ? 'in_progress' : 'completed'
  if (kind.type === 'function') {
    return { id, type: 'function_call', status, arguments: args ?? '', call_id: callId, ...named(kind) }
  }
  if (kind.type === 'custom') {
    const input = args === undefined ? '' : customInput(args)
    return { id, type: 'custom_tool_call', status, input, call_id: callId, ...named(kind) }
  }
  return { id, status, call_id: callId, ...builtInFields(kind.type, parseObject(args ?? '{}') ?? {}) }
}

function named({ name, namespace }: Extract<ToolKind, { name: string }>): JsonObject {
  return { name, ...(namespace === undefined ? {} : { namespace }) }
}

/** The text for a custom tool: what the model has put into the one argument, or all that it has said where it did not. */
export function customInput(args: string): string {
  const parsed = parseObject(args)
  return parsed !== undefined && Object.hasOwn(parsed, 'input') ? textOf(parsed.input) : args
}

/** The arguments of a call as a text. */
export function argumentsText(input: unknown): string {
  if (typeof input === 'string') return input === '' ? '{}' : input
  return writeJson(isObject(input) ? input : {})
}
