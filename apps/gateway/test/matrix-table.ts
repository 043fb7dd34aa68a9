import type { Caller } from './matrix-clients.ts'

/** The kinds of servers that are asked, with the model that each has here. */
export const servers = {
  claude: { title: 'Claude', model: 'claude-sonnet-5-5', thinksAloud: true },
  openai: { title: 'OpenAI, chat completions', model: 'gpt-5.5', thinksAloud: false },
  responses: { title: 'OpenAI, Responses', model: 'gpt-5.5-pro', thinksAloud: true },
  compatible: { title: 'strict compatible (DeepSeek)', model: 'deepseek-v4-pro', thinksAloud: true },
  ollama: { title: 'Ollama', model: 'llama3.2', thinksAloud: true },
} as const

export type Target = keyof typeof servers

export type Feature =
  | 'text'
  | 'tools'
  | 'a tool that must be called'
  | 'parallel tools with text between'
  | 'images as data'
  | 'images by URL'
  | 'thinking'
  | 'structured output'
  | 'errors'
  | 'cut'

const row = (
  claude: string,
  openai: string,
  responses: string,
  compatible: string,
  ollama: string,
): Readonly<Record<Target, string>> => ({ claude, openai, responses, compatible, ollama })

/** All of it, nothing lost. */
const whole = ''
/** Passed on as it is to a server that passes over it: its protocol is the caller's. */
export const ignored = 'ignored'
const noImages = '400: unknown variant `image_url`'

type Cells = Readonly<Record<Feature, Readonly<Record<Target, string>>>>

/** The same for callers of both of OpenAI's protocols. */
const ofOpenAi: Cells = {
  text: row(whole, whole, whole, whole, whole),
  tools: row(whole, whole, whole, whole, whole),
  'a tool that must be called': row(
    'tool_choice',
    whole,
    whole,
    '400: Thinking mode does not support this tool_choice',
    ignored,
  ),
  'parallel tools with text between': row(whole, whole, whole, whole, whole),
  'images as data': row(whole, whole, whole, noImages, whole),
  'images by URL': row(whole, whole, whole, noImages, '400: invalid image input'),
  thinking: row(whole, whole, whole, whole, whole),
  'structured output': row(whole, whole, whole, '400: This response_format type is unavailable now', whole),
  errors: row('RateLimitError', 'RateLimitError', 'RateLimitError', 'RateLimitError', 'RateLimitError'),
  cut: row('APIError', 'APIError', 'APIError', 'APIError', 'APIError'),
}

/** What a caller reads in `x-spillway-degraded`, or the error that it gets, the same for streams and others. */
export const expected: Readonly<Record<Caller, Cells>> = {
  messages: {
    text: row(whole, whole, whole, whole, whole),
    tools: row(whole, whole, whole, whole, whole),
    'a tool that must be called': row(
      '400: does not support forced tool use',
      whole,
      whole,
      whole,
      'tool_choice',
    ),
    'parallel tools with text between': row(whole, whole, whole, whole, whole),
    'images as data': row(whole, whole, whole, noImages, whole),
    'images by URL': row(whole, whole, whole, noImages, '400: Only base64 images are supported'),
    thinking: row(whole, whole, whole, whole, whole),
    'structured output': row(whole, whole, whole, 'structured_output', whole),
    errors: row('RateLimitError', 'RateLimitError', 'RateLimitError', 'RateLimitError', 'RateLimitError'),
    cut: row('APIError', 'APIError', 'APIError', 'APIError', 'APIError'),
  },
  chat: ofOpenAi,
  responses: ofOpenAi,
}

function cellText(outcome: string): string {
  if (outcome === whole) return 'yes'
  if (outcome === ignored) return 'passed on, the server ignores it'
  if (outcome.endsWith('Error')) return `the SDK's \`${outcome}\``
  if (outcome.startsWith('400: ')) return `no: 400 “${outcome.slice(5).replaceAll('`', '')}”`
  return `yes, without ${outcome
    .split(', ')
    .map((loss) => `\`${loss}\``)
    .join(', ')}`
}

function tableOf(caller: Caller): string {
  const targets = Object.keys(servers) as Target[]
  const rows = Object.entries(expected[caller]).map(([feature, cells]) => [
    feature,
    ...targets.map((target) => cellText(cells[target])),
  ])
  const lines = [['', ...targets.map((target) => servers[target].title)], ...rows]
  const widths = lines[0]?.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0))) ?? []
  const written = lines.map((line) => `| ${line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`)
  written.splice(1, 0, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`)
  return written.join('\n')
}

/** The page of the documentation that shows the table. */
export function matrixPage(): string {
  return `# What callers get from servers of another protocol

Each cell is tried with the official SDK of the caller, whole and streamed, through a gateway, at a simulated server that refuses
what the real one refuses (\`apps/gateway/test/translation-matrix.test.ts\`, which also writes this page). Tools and thinking are
tried over two turns: what the server has answered goes back to it with the results of its calls.

“Without” names what the header \`x-spillway-degraded\` says; nothing else gets lost. Where a cell says “no”, the caller gets the
server's own error; a route with a fallback moves on to another target where the target's \`capabilities\` say that it cannot do it.
OpenAI's models do not show their reasoning, so it reaches no caller.

## Callers of Messages (\`@anthropic-ai/sdk\`)

${tableOf('messages')}

## Callers of chat completions (\`openai\`)

${tableOf('chat')}

## Callers of the Responses API (\`openai\`)

${tableOf('responses')}

The order of texts and calls within one answer is kept for callers of Messages and, streamed, of the Responses API: a chat message has
all of its text before its calls.
`
}
