import { fieldsOf } from './answer.ts'

type Fields = ReturnType<typeof fieldsOf>

interface Turn {
  readonly role: unknown
  readonly blocks: readonly Fields[]
  /** Where its last message is in the request. */
  readonly at: number
}

/** Calls without results, results without calls, turns without content, and ends in white space. */
export function wrongTurns(messages: readonly Fields[]): string | undefined {
  for (const [i, { role, content }] of messages.entries()) {
    const isLastAnswer = role === 'assistant' && i === messages.length - 1
    const isEmpty = content === '' || (Array.isArray(content) && content.length === 0)
    if (isEmpty && !isLastAnswer) {
      return `messages.${i}: all messages must have non-empty content except for the optional final assistant message`
    }
  }
  return wrongPairs(joinedTurns(messages)) ?? wrongEnd(messages)
}

/** Messages of one role in a row are one turn; instructions in between do not part a call from its result. */
function joinedTurns(messages: readonly Fields[]): Turn[] {
  const turns: Turn[] = []
  for (const [at, { role, content }] of messages.entries()) {
    if (role === 'system') continue
    const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : listOf(content)
    const last = turns.at(-1)
    if (last !== undefined && last.role === role)
      turns[turns.length - 1] = { role, blocks: [...last.blocks, ...blocks], at }
    else turns.push({ role, blocks, at })
  }
  return turns
}

function listOf(content: unknown): Fields[] {
  return Array.isArray(content) ? content.map(fieldsOf) : []
}

function wrongPairs(turns: readonly Turn[]): string | undefined {
  for (const [i, { role, blocks, at }] of turns.entries()) {
    if (role === 'assistant') {
      const calls = blocks.filter(({ type }) => type === 'tool_use').map(({ id }) => id)
      const next = turns[i + 1]?.blocks ?? []
      // What comes before the results parts them from their calls.
      const end = next.findIndex(({ type }) => type !== 'tool_result')
      const results = next.slice(0, end < 0 ? next.length : end).map(({ tool_use_id }) => tool_use_id)
      const missing = calls.filter((id) => !results.includes(id))
      if (missing.length > 0) {
        return `messages.${at}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${missing.join(', ')}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`
      }
      continue
    }
    const called = (turns[i - 1]?.blocks ?? []).filter(({ type }) => type === 'tool_use').map(({ id }) => id)
    const results = blocks.filter(({ type }) => type === 'tool_result').map(({ tool_use_id }) => tool_use_id)
    const stray = results.find((id) => !called.includes(id))
    if (stray !== undefined) {
      return `messages.${at}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${stray}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`
    }
    const twice = results.find((id, k) => results.indexOf(id) !== k)
    if (twice !== undefined) {
      return `messages.${at}: each tool_use must have a single result. Found multiple \`tool_result\` blocks with id: ${twice}`
    }
  }
  return undefined
}

function wrongEnd(messages: readonly Fields[]): string | undefined {
  const { role, content } = messages.at(-1) ?? {}
  if (role !== 'assistant') return undefined
  const text = typeof content === 'string' ? content : String(listOf(content).at(-1)?.text ?? '')
  return text === text.trimEnd()
    ? undefined
    : 'messages: final assistant content cannot end with trailing whitespace'
}
