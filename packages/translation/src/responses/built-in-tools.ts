import type { JsonObject } from '@spillway/middleware/kit'
import { isObject, textOf, writeJson } from '@spillway/wire/internal'

/** Tools that the caller runs and OpenAI defines. */
export type BuiltInTool = 'apply_patch' | 'local_shell' | 'shell'

interface BuiltIn {
  readonly type: BuiltInTool
  /** What the model sees. */
  readonly name: string
  readonly description: string
  readonly parameters: JsonObject
  /** The field of a call's item that holds the input, and that input. */
  readonly field: 'operation' | 'action'
  readonly value: (input: JsonObject) => JsonObject
}

const text = { type: 'string' }
const texts = { type: 'array', items: text }

const all: readonly BuiltIn[] = [
  {
    type: 'apply_patch',
    name: 'apply_patch',
    description:
      'Creates, updates or deletes a file. `diff` is a V4A diff: lines that begin with a space stay, with - go, with + come; ' +
      '@@ begins a section. It is left out to delete a file, and has lines with + only to create one.',
    parameters: {
      type: 'object',
      properties: {
        type: { type: 'string', enum: ['create_file', 'update_file', 'delete_file'] },
        path: text,
        diff: text,
      },
      required: ['type', 'path'],
      additionalProperties: false,
    },
    field: 'operation',
    value: (input) => input,
  },
  {
    type: 'shell',
    name: 'shell',
    description: 'Runs commands in a shell on the machine of the user, one after the other.',
    parameters: {
      type: 'object',
      properties: {
        commands: texts,
        timeout_ms: { type: 'integer' },
        max_output_length: { type: 'integer' },
      },
      required: ['commands'],
      additionalProperties: false,
    },
    field: 'action',
    value: ({ commands, timeout_ms, max_output_length }) => ({
      commands: Array.isArray(commands) ? commands : [],
      timeout_ms: timeout_ms ?? null,
      max_output_length: max_output_length ?? null,
    }),
  },
  {
    type: 'local_shell',
    name: 'local_shell',
    description: 'Runs a command on the machine of the user.',
    parameters: {
      type: 'object',
      properties: { command: texts, timeout_ms: { type: 'integer' }, working_directory: text },
      required: ['command'],
      additionalProperties: false,
    },
    field: 'action',
    value: ({ command, timeout_ms, working_directory }) => ({
      type: 'exec',
      command: Array.isArray(command) ? command : [],
      env: {},
      ...(timeout_ms === undefined ? {} : { timeout_ms }),
      ...(working_directory === undefined ? {} : { working_directory }),
    }),
  },
]

/** By the type of the tool. */
export const builtInTools: ReadonlyMap<string, BuiltIn> = new Map(all.map((tool) => [tool.type, tool]))

const byCall: ReadonlyMap<string, BuiltIn> = new Map(all.map((tool) => [`${tool.type}_call`, tool]))
const byOutput: ReadonlySet<string> = new Set(all.map(({ type }) => `${type}_call_output`))

/** A call of the caller's history as name and arguments; undefined for other items. */
export function builtInCall(
  item: JsonObject,
): { readonly name: string; readonly arguments: string } | undefined {
  const tool = byCall.get(textOf(item.type))
  if (tool === undefined) return undefined
  const value = item[tool.field]
  return { name: tool.name, arguments: writeJson(isObject(value) ? value : {}) }
}

/** Whether an item is what a call of such a tool came to. */
export function isBuiltInOutput(item: JsonObject): boolean {
  return byOutput.has(textOf(item.type))
}

/** What makes an item a call of such a tool. */
export function builtInFields(type: BuiltInTool, input: JsonObject): JsonObject {
  const tool = builtInTools.get(type)
  return tool === undefined ? {} : { type: `${type}_call`, [tool.field]: tool.value(input) }
}
