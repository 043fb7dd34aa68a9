import { type JsonBody, jsonBodyFromObject } from '@spillway/middleware/kit'
import { BodyScanner } from '@spillway/wire/internal'
import { expect, it } from 'vitest'
import { mediaAsked, searchesWeb, toolsAsked } from './asked-features.ts'
import { permissionSets, permissions, permissionsOf } from './permissions.ts'

/** As it comes from a client, whose scan says most of it. */
function scanned(body: object): JsonBody {
  const bytes = Buffer.from(JSON.stringify(body))
  const scanner = new BodyScanner()
  scanner.write(bytes)
  const read = scanner.end(bytes)
  if (typeof read === 'string') throw new Error(read)
  return read
}

/** The same of a body that is scanned and of one that is not. */
function both(body: object, ask: typeof toolsAsked): string[] {
  const [scan, parse] = [scanned(body), jsonBodyFromObject(body as never)].map((each) =>
    ask(each).map(({ permission }) => permission),
  )
  expect(scan).toEqual(parse)
  return scan ?? []
}

const asked = (body: object): string[] => both(body, toolsAsked)
const media = (body: object): string[] => both(body, mediaAsked)

it.each<readonly [string, object, readonly string[]]>([
  ['none', {}, []],
  ['an empty list', { tools: [] }, []],
  ['a client tool of Claude', { tools: [{ name: 'a', input_schema: {} }] }, ['tools:client']],
  [
    'tools that Claude knows and the client runs',
    { tools: [{ type: 'bash_20250124' }, { type: 'memory_20250818' }] },
    ['tools:client'],
  ],
  ['a function', { tools: [{ type: 'function', function: { name: 'a' } }] }, ['tools:client']],
  ['functions as they were once', { functions: [{ name: 'a' }] }, ['tools:client']],
  [
    'functions in a namespace',
    { tools: [{ type: 'namespace', tools: [{ type: 'web_search' }] }] },
    ['tools:client', 'tools:web'],
  ],
  [
    'web search at Anthropic',
    { tools: [{ type: 'web_search_20250305', name: 'web_search' }] },
    ['tools:web'],
  ],
  ['web fetch', { tools: [{ type: 'web_fetch_20250910', name: 'web_fetch' }] }, ['tools:web']],
  ['web search at OpenAI', { tools: [{ type: 'web_search_preview' }] }, ['tools:web']],
  ['web search in chat completions', { web_search_options: {} }, ['tools:web']],
  ['web search at OpenRouter', { plugins: [{ id: 'web' }] }, ['tools:web']],
  ['a plugin that is off', { plugins: [{ id: 'web', enabled: false }] }, []],
  ['code', { tools: [{ type: 'code_execution_20250825', name: 'code_execution' }] }, ['tools:code']],
  ['code at OpenAI', { tools: [{ type: 'code_interpreter', container: { type: 'auto' } }] }, ['tools:code']],
  ['a container with skills', { container: { skills: [{ skill_id: 'pptx' }] } }, ['tools:code']],
  ['MCP at Anthropic', { mcp_servers: [{ type: 'url', url: 'https://a' }] }, ['tools:mcp']],
  ['MCP at OpenAI', { tools: [{ type: 'mcp', server_url: 'https://a', authorization: 't' }] }, ['tools:mcp']],
  [
    'a connector under another name',
    { tools: [{ type: 'new_kind', connector_id: 'connector_gmail' }] },
    ['tools:hosted', 'tools:mcp'],
  ],
  ['file search', { tools: [{ type: 'file_search', vector_store_ids: ['vs_1'] }] }, ['tools:hosted']],
  ['a kind that is not known yet', { tools: [{ type: 'teleport_20300101' }] }, ['tools:hosted']],
  ['a tool without a type that is no object', { tools: ['a'] }, ['tools:client']],
])('%s: what a call brings of tools', (_, body, expected) => {
  expect(asked(body)).toEqual(expected)
})

it('a stored prompt may bring any tool', () => {
  expect(asked({ prompt: { id: 'pmpt_1' } }).sort()).toEqual([...(permissionSets.tools ?? [])].sort())
  expect([searchesWeb('openai/gpt-6:online'), searchesWeb('online-model')]).toEqual([true, false])
})

const user = (...content: readonly object[]): object => ({ messages: [{ role: 'user', content }] })

it.each<readonly [string, object, readonly string[]]>([
  ['text', user({ type: 'text', text: '{"type":"image"}' }), []],
  ['an image', user({ type: 'image', source: { type: 'base64' } }), ['images']],
  [
    'one in the result of a tool',
    user({ type: 'tool_result', content: [{ type: 'image', source: {} }] }),
    ['images'],
  ],
  ['one by its address', user({ type: 'image_url', image_url: { url: 'https://a' } }), ['images']],
  [
    'one of a screen',
    { input: [{ type: 'computer_call_output', output: { type: 'computer_screenshot' } }] },
    ['images'],
  ],
  ['sound', user({ type: 'input_audio', input_audio: {} }), ['images']],
  ['a PDF', user({ type: 'document', source: {} }), ['documents']],
  [
    'a file',
    { input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'file-1' }] }] },
    ['documents'],
  ],
  ['both', user({ type: 'image' }, { type: 'document' }), ['images', 'documents']],
  [
    'arguments of a tool that look like one',
    user({ type: 'tool_use', input: { type: 'image', file_id: 'a' } }),
    [],
  ],
])('%s: what a call brings beside text', (_, body, expected) => {
  expect(media(body)).toEqual(expected)
})

it('names that documents of clients hold keep all that they have allowed', () => {
  const all = (...names: string[]): string[] => [...permissionsOf(names)].sort()
  const content = ['documents', 'images', 'models']
  expect(all('messages')).toEqual(['call:count_tokens', 'call:messages', ...content].sort())
  expect(all('chat')).toEqual(
    ['call:chat', 'call:count_tokens', 'call:messages', 'call:responses', ...content].sort(),
  )
  expect(all('tools')).toEqual(['tools:client', 'tools:code', 'tools:hosted', 'tools:mcp', 'tools:web'])
  expect(all('claude:code')).toEqual(all('messages', 'tools'))
  expect(all('batches')).toEqual(['batches', 'models'])
  expect(all('files')).toEqual(['files', 'models'])
  expect(all('of-a-newer-version', '__proto__')).toEqual([])
  // No set allows what has another name of its own.
  for (const set of Object.values(permissionSets))
    for (const each of set) expect(Object.keys(permissions)).toContain(each)
})

it('calls without any of it are not parsed to find that out', () => {
  const body = scanned({
    tools: [{ name: 'a', input_schema: { type: 'object', properties: { file: { type: 'string' } } } }],
    ...user({ type: 'text', text: '"type":"image"' }, { type: 'tool_use', input: { path: 'a' } }),
    n: [1],
  })
  const bytes = body.bytes as Buffer
  bytes.write('?', bytes.length - 2)
  expect(() => body.json).toThrow(SyntaxError)
  expect([toolsAsked(body).map(({ permission }) => permission), mediaAsked(body)]).toEqual([
    ['tools:client'],
    [],
  ])
})
