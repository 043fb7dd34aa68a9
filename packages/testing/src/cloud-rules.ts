import { fieldsOf } from './answer.ts'

type Fields = ReturnType<typeof fieldsOf>

/** What a cloud that answers by itself does not take of Claude's messages. */
export interface CloudLimits {
  /** Fields of the body that are refused. */
  readonly fields: readonly string[]
  /** Tools that Claude's own servers run, and that this cloud does not: what their types begin with. */
  readonly tools: readonly string[]
}

/** What is wrong with a body at such a cloud; sources that would have to be fetched are taken by none. */
export function refusedByCloud(body: Fields, { fields, tools }: CloudLimits): string | undefined {
  const field = fields.find((name) => name in body)
  if (field !== undefined) return `${field}: Extra inputs are not permitted`
  return refusedSource(body.messages) ?? refusedTool(body.tools, tools)
}

/** Names `image` and `base64` whatever it was, as the clouds do. */
function refusedSource(messages: unknown): string | undefined {
  for (const [i, message] of listOf(messages).entries()) {
    for (const [k, block] of listOf(fieldsOf(message).content).entries()) {
      const { type } = fieldsOf(fieldsOf(block).source)
      if (type === 'url')
        return `messages.${i}.content.${k}.image.source.base64.data: URL sources are not supported`
      if (type === 'file')
        return `messages.${i}.content.${k}.${fieldsOf(block).type}.source: Input tag 'file' found using 'type' does not match any of the expected tags: 'base64', 'content', 'text'`
    }
  }
  return undefined
}

function refusedTool(tools: unknown, refused: readonly string[]): string | undefined {
  for (const [i, tool] of listOf(tools).entries()) {
    const { type } = fieldsOf(tool)
    if (typeof type === 'string' && refused.some((name) => type.startsWith(name)))
      return `tools.${i}: Input tag '${type}' found using 'type' does not match any of the expected tags: 'bash_20250124', 'custom', 'text_editor_20250124', 'text_editor_20250429', 'text_editor_20250728'`
  }
  return undefined
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
