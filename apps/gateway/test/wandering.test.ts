import { randomUUID } from 'node:crypto'
import { type Reply, startClaude, startOllama, startOpenRouter } from '@spillway/testing'
import { expect, it } from 'vitest'
import { forThisTest, gatewayOf, targetAt } from './gateway.ts'
import { type Caller, conversationOf } from './matrix-clients.ts'
import type { Json } from './matrix-json.ts'
import { startQuirkyChat, startQuirkyMessages } from './quirky-servers.ts'

const calls = (...ids: (string | undefined)[]): Json[] =>
  ids.map((id, gate) => ({
    ...(id !== undefined && { id }),
    type: 'function',
    function: { name: 'open_gate', arguments: JSON.stringify({ gate }) },
  }))

/** Mistral takes ids of nine letters and digits, and a result for every call. */
function refusedByMistral(messages: readonly Json[]): string | undefined {
  const made = messages.flatMap((message) =>
    ((message.tool_calls ?? []) as Json[]).map(({ id }) => String(id)),
  )
  const answered = messages.flatMap(({ role, tool_call_id: id }) => (role === 'tool' ? [String(id)] : []))
  const wrong = [...made, ...answered].find((id) => !/^[a-zA-Z0-9]{9}$/.test(id))
  if (wrong !== undefined) return `Tool call id was ${wrong} but must be a-z, A-Z, 0-9, with a length of 9.`
  return made.join() === answered.join() ? undefined : 'Not the same number of function calls and responses'
}

const nine = (turn: number): string => `m${String(turn).padStart(8, '0')}`

it.each<Caller>(['messages', 'chat'])(
  'a tool loop of 30 turns wanders through seven kinds of servers and comes home to Claude each time: %s',
  async (caller) => {
    const use = { toolUse: [{ name: 'open_gate', input: { gate: 1 } }] }
    const gates = (turn: number): Reply =>
      turn % 2 === 0 ? use : { toolUse: [...use.toolUse, ...use.toolUse] }
    let claudeTurns = 0
    const claude = forThisTest(
      await startClaude({
        checkRules: true,
        checkThinking: true,
        reply: () => ({
          thinking: `Claude thinks, ${claudeTurns}.`,
          text: 'I see.',
          ...gates(claudeTurns++),
        }),
      }),
    )
    // Signs with a random id, has a text of white space, and counts its calls again in each answer.
    const vllm = await startQuirkyMessages((turn) => [
      {
        type: 'thinking',
        thinking: 'hm',
        signature: turn % 2 ? randomUUID() : randomUUID().replaceAll('-', ''),
      },
      { type: 'text', text: '\n\n' },
      { type: 'tool_use', id: 'functions.open_gate:0', name: 'open_gate', input: {} },
      { type: 'tool_use', id: 'functions.open_gate:1', name: 'open_gate', input: { gate: turn } },
    ])
    // Has no word but white space, and the same ids in each answer.
    const llama = await startQuirkyChat(() => ({
      reasoning_content: 'Llama thinks.',
      content: ' \n',
      tool_calls: calls('0', '1'),
    }))
    // Has both fields of thinking, one of them empty, and ids only where the caller's SDK insists on them.
    const old = await startQuirkyChat(() => ({
      reasoning_content: '',
      reasoning: 'The old one thinks.',
      content: null,
      tool_calls: caller === 'messages' ? calls(undefined, undefined) : calls('call_0', 'call_0'),
    }))
    // Thinks within its content. Callers of its own protocol have to bring ids that it takes.
    const mistral = await startQuirkyChat(
      (turn) => ({
        content: [
          { type: 'thinking', thinking: [{ type: 'text', text: 'Mistral thinks.' }] },
          { type: 'text', text: '' },
        ],
        tool_calls: calls(nine(turn)),
      }),
      caller === 'messages' ? refusedByMistral : undefined,
    )
    const ollama = forThisTest(
      await startOllama({ reply: { thinking: 'Ollama thinks.', text: ' ', ...use } }),
    )
    const router = forThisTest(await startOpenRouter({ reply: { thinking: 'Routed.', ...use } }))
    const targets = {
      claude: targetAt(claude, 'anthropic'),
      vllm: targetAt(vllm, 'anthropic', { capabilities: {} }),
      llama: targetAt(llama, 'openai', { dialect: 'local' }),
      ollama: { api: 'ollama', endpoints: [{ url: ollama.url }], model: 'llama3.2' },
      mistral: targetAt(mistral, 'openai', { dialect: 'mistral' }),
      router: targetAt(router, 'openai', { dialect: 'openrouter' }),
      old: targetAt(old, 'openai', { dialect: 'local' }),
    }
    const { url } = await gatewayOf({
      targets,
      routes: Object.keys(targets).map((target) => ({ models: `${target}-*`, target })),
      retry: { attempts: 1 },
    })
    const conversation = conversationOf(caller, url)
    const tour = [
      'claude-sonnet-5-5',
      'vllm-q',
      'llama-q',
      'ollama-q',
      'router-q',
      'claude-sonnet-5-5',
      'mistral-q',
      'old-q',
    ]
    const served: number[] = []
    for (let turn = 0; turn <= 32; turn++) {
      const question = { model: tour[turn % tour.length] as string, stream: turn % 3 === 1, tools: true }
      const { calls: made } = await (turn === 0
        ? conversation.ask(question)
        : conversation.answer(question, ''))
      served.push(made.length)
    }
    expect(served.every((made) => made > 0)).toBe(true)
    // The first turn, and two in each round of eight.
    expect(claude.requests.map(({ status }) => status)).toEqual(Array(9).fill(200))
    const home = JSON.stringify(claude.requests.at(-1)?.json)
    expect(home.match(/Claude thinks, \d\./g)).toHaveLength(8)
    expect(home).not.toMatch(/(?:Llama|Ollama|Mistral|The old one) thinks|"hm"|Routed/)
  },
)
