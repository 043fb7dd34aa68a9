import type { Dice } from './dice.ts'
import type { Json } from './json-mutations.ts'
import { words } from './words.ts'

type Block = { [name: string]: Json }

const pixel =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

/** A valid body of the Messages API; the marker is in its last text. */
export function messagesBody(dice: Dice, model: string, marker: string): Block {
  const tools = dice.chance(0.4) ? toolsOf(dice) : undefined
  const body: Block = {
    model,
    max_tokens: dice.pick([1, 100, 1024, 4096, 32_000]),
    messages: turnsOf(dice, marker, tools !== undefined),
  }
  if (dice.chance(0.45)) body.stream = dice.chance(0.9)
  if (dice.chance(0.5)) body.system = systemOf(dice)
  if (tools !== undefined) {
    body.tools = tools
    if (dice.chance(0.4))
      body.tool_choice = dice.pick<Json>([
        { type: 'auto' },
        { type: 'any' },
        { type: 'none' },
        { type: 'tool', name: 'get_weather', disable_parallel_tool_use: true },
      ])
  }
  if (dice.chance(0.3)) body.temperature = dice.pick([0, 0.5, 1])
  if (dice.chance(0.1)) body.top_p = 0.9
  if (dice.chance(0.1)) body.top_k = 40
  if (dice.chance(0.1)) body.stop_sequences = ['END', '\n\nHuman:']
  if (dice.chance(0.3)) body.metadata = { user_id: `user_${dice.int(50)}` }
  if (dice.chance(0.2))
    body.thinking = dice.pick<Json>([
      { type: 'enabled', budget_tokens: 1024 },
      { type: 'adaptive' },
      { type: 'disabled' },
    ])
  if (dice.chance(0.1)) body.output_config = { effort: dice.pick(['low', 'medium', 'high']) }
  if (dice.chance(0.05)) body.service_tier = dice.pick(['auto', 'standard_only'])
  if (dice.chance(0.05)) body.context_management = { edits: [{ type: 'clear_tool_uses_20250919' }] }
  if (dice.chance(0.04)) body.mcp_servers = [{ type: 'url', url: 'https://example.com/mcp', name: 'm' }]
  if (dice.chance(0.03)) body.container = 'container_1'
  if (dice.chance(0.03)) body.fallbacks = ['claude-haiku-4-5']
  return body
}

function systemOf(dice: Dice): Json {
  if (dice.chance(0.5)) return words(dice, 20)
  return [
    { type: 'text', text: 'x-anthropic-billing-header: cc_version=2.1.0' },
    {
      type: 'text',
      text: words(dice, 30),
      cache_control: { type: 'ephemeral', ttl: dice.pick(['5m', '1h']) },
    },
  ]
}

function toolsOf(dice: Dice): Json {
  const tools: Json[] = [
    {
      name: 'get_weather',
      description: words(dice, 10),
      input_schema: {
        type: 'object',
        properties: { city: { type: 'string' }, days: { type: ['integer', 'null'] } },
        required: ['city'],
      },
    },
  ]
  if (dice.chance(0.3))
    tools.push({
      name: 'read-file',
      strict: true,
      input_schema: { type: 'object', properties: {}, additionalProperties: false },
      cache_control: { type: 'ephemeral' },
    })
  if (dice.chance(0.2)) tools.push({ type: 'web_search_20250305', name: 'web_search', max_uses: 3 })
  if (dice.chance(0.1))
    tools.push(
      { type: 'bash_20250124', name: 'bash' },
      { type: 'text_editor_20250728', name: 'str_replace_based_edit_tool' },
    )
  return tools
}

function turnsOf(dice: Dice, marker: string, withTools: boolean): Json {
  const turns: Json[] = []
  for (let left = dice.pick([0, 0, 0, 1, 1, 2, 4]); left > 0; left--) {
    turns.push({ role: 'user', content: dice.chance(0.5) ? words(dice, 15) : [textBlock(dice)] })
    if (withTools && dice.chance(0.5)) {
      const id = `toolu_${dice.int(1e6)}`
      const asked: Json[] = dice.chance(0.3) ? [thinkingBlock(dice)] : []
      asked.push(
        { type: 'text', text: 'Let me look.' },
        { type: 'tool_use', id, name: 'get_weather', input: { city: 'Zürich', days: dice.int(9) } },
      )
      turns.push({ role: 'assistant', content: asked })
      turns.push({ role: 'user', content: [toolResult(dice, id)] })
    }
    turns.push({ role: 'assistant', content: dice.chance(0.5) ? words(dice, 15) : assistantBlocks(dice) })
  }
  const last: Json[] = dice.chance(0.25) ? [sourceBlock(dice)] : []
  const text = `${words(dice, 12)}${marker}`
  turns.push({
    role: 'user',
    content: last.length === 0 && dice.chance(0.5) ? text : [...last, { type: 'text', text }],
  })
  if (dice.chance(0.03)) turns.push({ role: 'assistant', content: 'The answer is' })
  return turns
}

function textBlock(dice: Dice): Block {
  const block: Block = { type: 'text', text: words(dice, 15) }
  if (dice.chance(0.3)) block.cache_control = { type: 'ephemeral' }
  return block
}

function thinkingBlock(dice: Dice): Block {
  return dice.chance(0.8)
    ? {
        type: 'thinking',
        thinking: words(dice, 10),
        signature: Buffer.from(words(dice, 4)).toString('base64'),
      }
    : { type: 'redacted_thinking', data: 'EmwKAhgBEgy3va3pzix' }
}

function assistantBlocks(dice: Dice): Json {
  const blocks: Json[] = dice.chance(0.3) ? [thinkingBlock(dice)] : []
  blocks.push(textBlock(dice))
  if (dice.chance(0.1)) {
    blocks.push(
      { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: { query: 'dams' } },
      {
        type: 'web_search_tool_result',
        tool_use_id: 'srvtoolu_1',
        content: [
          { type: 'web_search_result', url: 'https://example.com', title: 't', encrypted_content: 'abc' },
        ],
      },
    )
  }
  return blocks
}

function toolResult(dice: Dice, id: string): Block {
  const block: Block = { type: 'tool_result', tool_use_id: id }
  const at = dice.next()
  if (at < 0.4) block.content = words(dice, 10)
  else if (at < 0.8)
    block.content = dice.chance(0.3) ? [textBlock(dice), sourceBlock(dice)] : [textBlock(dice)]
  if (dice.chance(0.2)) block.is_error = true
  return block
}

function sourceBlock(dice: Dice): Block {
  switch (dice.int(5)) {
    case 0:
      return { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } }
    case 1:
      return {
        type: 'document',
        source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0xLjQK' },
        title: 'd',
        citations: { enabled: true },
      }
    case 2:
      return { type: 'document', source: { type: 'text', media_type: 'text/plain', data: words(dice, 20) } }
    case 3:
      return { type: 'image', source: { type: 'file', file_id: 'file_1' } }
    default:
      return {
        type: 'image',
        source: { type: 'base64', media_type: 'image/png', data: pixel },
        cache_control: { type: 'ephemeral' },
      }
  }
}
