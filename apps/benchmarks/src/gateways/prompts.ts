/** What a load sends. */
export interface Prompt {
  readonly name: string
  readonly body: Buffer
}

const words =
  'the gateway reads what it is sent and passes it on as it came because a proxy that is quick is one that does little '

/**
 * A conversation of Claude Code's: a long system prompt and tools that are marked for the cache, then turns with results of tools.
 * @param bytes its size, roughly
 * @param stream first, where the simulated Claude looks for it
 */
function prompt(name: string, bytes: number, stream: boolean): Prompt {
  const start = {
    stream,
    model: 'claude-sonnet-5-5',
    max_tokens: 1024,
  }
  if (bytes < 10_000) {
    const messages = [{ role: 'user', content: 'Write a haiku about a dam that is full.' }]
    return { name, body: Buffer.from(JSON.stringify({ ...start, messages })) }
  }
  const cached = { cache_control: { type: 'ephemeral' } }
  const turns = Math.round(bytes / 10_000)
  const messages = Array.from({ length: turns }, (_, turn) => [
    {
      role: 'assistant',
      content: [
        { type: 'tool_use', id: `toolu_${turn}`, name: 'Read', input: { file_path: `/src/file-${turn}.ts` } },
      ],
    },
    {
      role: 'user',
      content: [
        {
          type: 'tool_result',
          tool_use_id: `toolu_${turn}`,
          content: `  ${turn}→\t"quoted" \\ é ${words}\n`.repeat(66),
          ...(turn === turns - 1 && cached),
        },
      ],
    },
  ]).flat()
  return {
    name,
    body: Buffer.from(
      JSON.stringify({
        ...start,
        system: [{ type: 'text', text: words.repeat(100), ...cached }],
        tools: Array.from({ length: 20 }, (_, index) => ({
          name: `Tool${index}`,
          description: words.repeat(5),
          input_schema: { type: 'object', properties: { file_path: { type: 'string' } } },
        })),
        messages: [{ role: 'user', content: 'Mend the tests.' }, ...messages],
      }),
    ),
  }
}

export const prompts: Readonly<Record<'json' | 'stream' | 'long' | 'huge', Prompt>> = {
  json: prompt('JSON', 100, false),
  stream: prompt('SSE of 200 chunks', 100, true),
  long: prompt('450 kB prompt', 450_000, false),
  huge: prompt('2 MB prompt', 2_000_000, false),
}
