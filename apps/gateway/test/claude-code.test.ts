import { readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Reply, startClaude, startOllama, startOpenAi, startOpenRouter } from '@spillway/testing'
import { describe, expect, it } from 'vitest'
import { certificateFor } from '../../../packages/core-client/test/certificate.ts'
import type { AnsweredCall } from '../src/index.ts'
import { clientsOf } from './clients.ts'
import { configOf, embeddedTarget, forThisTest, gatewayOf, targetAt, temporaryFolder } from './gateway.ts'
import { type ChatRequest, claudeCode, hasResult, steps } from './run-claude-code.ts'

// Runs the real Claude Code, which is not a dependency.

const mustRun = Boolean(process.env.CI)
const { isHere, ask } = await claudeCode()

it.runIf(mustRun)('Claude Code could be installed', () => {
  expect(isHere).toBe(true)
})

describe.skipIf(!isHere)('Claude Code', { timeout: 120_000 }, () => {
  it('gets Claude’s answer through the gateway', async () => {
    const claude = forThisTest(await startClaude({ reply: { text: 'Hello from the far side.' } }))
    const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic')))
    const { result, is_error } = await ask(gateway.url)
    expect(result).toBe('Hello from the far side.')
    expect(is_error).toBe(false)
    expect(claude.requests.map(({ path }) => path)).toContain('/v1/messages?beta=true')
    expect(claude.requests[0]?.headers['anthropic-beta']).toContain('claude-code-')
  })

  it('gets it by TLS, with the authority of a certificate that is not public', async () => {
    const claude = forThisTest(await startClaude({ reply: { text: 'Hello by TLS.' } }))
    const folder = temporaryFolder()
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
    const pair = await certificateFor('gateway')
    writeFileSync(cert, pair.cert)
    writeFileSync(key, pair.key)
    const server = { tls: { cert, key } }
    const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), undefined, { server }))
    const { result } = await ask(gateway.url, { environment: { NODE_EXTRA_CA_CERTS: cert } })
    expect(result).toBe('Hello by TLS.')
  })

  it('finds the models of the gateway, and keeps for its menu those that the routes serve', async () => {
    const models = ['claude-opus-5-5', 'claude-sonnet-5-5']
    const claude = forThisTest(await startClaude({ models, reply: { text: 'Hello.' } }))
    const gateway = await gatewayOf({
      ...configOf(targetAt(claude, 'anthropic')),
      routes: [
        { models: 'claude-*', target: 'claude' },
        { models: 'team/anthropic-best', target: 'claude' },
      ],
    })
    const home = temporaryFolder()
    const environment = { CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY: '1' }
    const flags = ['--model', 'claude-opus-5-5']
    expect((await ask(gateway.url, { home, flags, environment })).result).toBe('Hello.')
    const kept = JSON.parse(readFileSync(join(home, 'config/cache/gateway-models.json'), 'utf8'))
    expect(kept.baseUrl).toBe(gateway.url)
    expect(kept.models.map(({ id }: { id: string }) => id).sort()).toEqual([...models, 'team/anthropic-best'])
  })

  it('does a task with tools with a key of the gateway for claude:code, and is refused with one without tools', async () => {
    const home = realpathSync(temporaryFolder())
    const file = join(home, 'greeting.txt')
    writeFileSync(file, 'Hello, dam.\n')
    const claude = forThisTest(
      await startClaude({
        reply: ({ json }) => {
          const { messages, tools } = json as ChatRequest
          if (tools === undefined || tools.length === 0) return { text: 'A greeting' }
          return steps(file)[messages.filter(hasResult).length] ?? { text: 'There is nothing left to do.' }
        },
        separateWrites: true,
      }),
    )
    const clients = await clientsOf({
      coder: { permissions: ['claude:code'], models: ['claude-*'] },
      talker: { permissions: ['messages'] },
    })
    const calls: AnsweredCall[] = []
    const config = configOf(targetAt(claude, 'anthropic'), undefined, { server: clients.server })
    const gateway = await gatewayOf(config, calls)
    const asking = (name: string) => ({
      home,
      prompt: 'Greet the spillway in greeting.txt.',
      flags: ['--permission-mode', 'acceptEdits'],
      variables: { ANTHROPIC_BASE_URL: gateway.url, ANTHROPIC_AUTH_TOKEN: clients.keys[name] as string },
    })
    const { result, is_error } = await ask(gateway.url, asking('coder'))
    expect([result, is_error]).toEqual(['The spillway is greeted now.', false])
    expect(readFileSync(file, 'utf8')).toBe('Hello, spillway.\n')
    expect(new Set(calls.map(({ tenant }) => tenant))).toEqual(new Set(['coder']))
    expect(JSON.stringify(claude.requests)).not.toContain(clients.keys.coder)
    const refused = await ask(gateway.url, asking('talker'))
    expect([refused.is_error, refused.result]).toEqual([true, expect.stringContaining('permission tools')])
  })

  it('shows images and PDFs, and searches the web, with a key for claude:code', async () => {
    const home = realpathSync(temporaryFolder())
    const [image, pdf] = [join(home, 'dam.png'), join(home, 'dam.pdf')]
    writeFileSync(image, Buffer.from(pixel, 'base64'))
    writeFileSync(pdf, onePage)
    const turns = [
      { toolUse: [{ name: 'Read', input: { file_path: image } }] },
      { toolUse: [{ name: 'Read', input: { file_path: pdf } }] },
      { toolUse: [{ name: 'WebSearch', input: { query: 'What is a spillway?' } }] },
    ]
    const claude = forThisTest(
      await startClaude({
        reply({ json }) {
          const { messages, tools } = json as ChatRequest
          if (tools === undefined || tools.length === 0) return { text: 'A dam' }
          if (JSON.stringify(tools).includes('"web_search_2')) return { text: 'A way around a dam.' }
          return turns[messages.filter(hasResult).length] ?? { text: 'I have seen it all.' }
        },
      }),
    )
    const clients = await clientsOf({ coder: { permissions: ['claude:code'] } })
    const config = configOf(targetAt(claude, 'anthropic'), undefined, { server: clients.server })
    const gateway = await gatewayOf(config)
    const { result, is_error } = await ask(gateway.url, {
      home,
      prompt: 'Look at the dam.',
      flags: ['--allowedTools', 'Read,WebSearch'],
      variables: { ANTHROPIC_BASE_URL: gateway.url, ANTHROPIC_AUTH_TOKEN: clients.keys.coder as string },
    })
    expect([result, is_error]).toEqual(['I have seen it all.', false])
    const sent = JSON.stringify(claude.requests.map(({ json }) => json))
    for (const block of ['"type":"image"', '"type":"document"', '"type":"web_search_2'])
      expect(sent).toContain(block)
  })

  // Its prompt is some 22 000 tokens for a tokenizer of single bytes, which the tiny model's 32 768 can hold.
  it('gets the answer of the model inside the gateway when Claude is overloaded', async () => {
    const claude = forThisTest(await startClaude())
    claude.always({ type: 'status', status: 529 })
    const local = {
      ...embeddedTarget({ reply: 'Hello from this machine.' }),
      capabilities: { tools: true },
      timeouts: { headers: '90s', firstContent: '90s' },
    }
    const calls: AnsweredCall[] = []
    const gateway = await gatewayOf(configOf(targetAt(claude, 'anthropic'), local), calls)
    const { result, is_error } = await ask(gateway.url)
    expect(result).toBe('Hello from this machine.')
    expect(is_error).toBe(false)
    expect([calls[0]?.response.target, calls[0]?.record.fallback()?.reason]).toEqual(['local', 'overloaded'])
  })

  it('gets Ollama’s answer when nothing listens where Claude should be', async () => {
    const claude = await startClaude()
    const { url } = claude
    await claude.close()
    const ollama = forThisTest(await startOllama({ reply: { text: 'Hello from Ollama.' } }))
    const local = { api: 'ollama', endpoints: [{ url: ollama.url }], model: 'llama3.2' }
    const calls: AnsweredCall[] = []
    const deadTarget = { api: 'anthropic', endpoints: [{ url, credential: 'caller' }] }
    const gateway = await gatewayOf(configOf(deadTarget, local), calls)
    const { result } = await ask(gateway.url)
    expect(result).toBe('Hello from Ollama.')
    expect([calls[0]?.response.target, calls[0]?.record.fallback()?.reason]).toEqual(['local', 'connection'])
    expect(ollama.requests[0]?.headers).not.toHaveProperty('authorization')
  })

  it('gets the local answer when Claude stalls before its first token', async () => {
    const claude = forThisTest(await startClaude())
    claude.always({ type: 'slow-first-token', ms: Infinity })
    const ollama = forThisTest(await startOllama({ reply: { text: 'Hello from Ollama.' } }))
    const local = { api: 'ollama', endpoints: [{ url: ollama.url }], model: 'llama3.2' }
    const config = configOf(targetAt(claude, 'anthropic'), local, { timeouts: { firstContent: '500ms' } })
    const gateway = await gatewayOf(config)
    const { result } = await ask(gateway.url)
    expect(result).toBe('Hello from Ollama.')
  })

  it('goes on with the model that is permitted when its own declines, within an answer and in the turns after it', async () => {
    const home = realpathSync(temporaryFolder())
    const file = join(home, 'greeting.txt')
    writeFileSync(file, 'Hello, dam.\nHow are you?\n')
    const [fable, opus] = ['claude-fable-5', 'claude-opus-4-8'] as const
    const asked: string[] = []
    const claude = forThisTest(
      await startClaude({
        models: [fable, opus],
        fallbackModels: { [fable]: [opus] },
        reply: ({ json }) => {
          const { model, messages, tools } = json as ChatRequest & { readonly model: string }
          if (tools === undefined || tools.length === 0) return { text: 'A greeting' }
          asked.push(model)
          if (model === fable) return { text: 'I begin, but', refusal: { category: 'cyber' } }
          return steps(file)[messages.filter(hasResult).length] ?? { text: 'There is nothing left to do.' }
        },
        separateWrites: true,
      }),
    )
    const calls: AnsweredCall[] = []
    const config = configOf(targetAt(claude, 'anthropic'), undefined, { fallback: { refusal: {} } })
    const gateway = await gatewayOf(config, calls)
    const printed = await ask(gateway.url, {
      prompt: 'Greet the spillway instead of the dam, in greeting.txt.',
      home,
      flags: ['--permission-mode', 'acceptEdits', '--model', fable],
    })
    expect(printed).toMatchObject({
      result: expect.stringContaining('The spillway is greeted now.'),
      is_error: false,
    })
    expect(readFileSync(file, 'utf8')).toBe('Hello, spillway.\nHow are you?\n')
    // The first turn alone is declined: after that the conversation stays with the model that took it.
    expect(asked).toEqual([fable, opus, opus, opus])
    const failed = claude.requests.filter(
      ({ status, path }) => status !== 200 && path.startsWith('/v1/messages'),
    )
    expect(failed.map(({ sent }) => Buffer.from(sent).toString())).toEqual([])
  })

  it.each([
    ['as the first target', undefined],
    ['in place of an overloaded Claude', { type: 'status', status: 529 }],
  ] as const)('reads and edits a file with a model of OpenAI’s protocol, %s', async (_, fault) => {
    const home = realpathSync(temporaryFolder())
    const file = join(home, 'greeting.txt')
    writeFileSync(file, 'Hello, dam.\nHow are you?\n')
    const results: string[] = []
    const coder = forThisTest(
      await startOpenRouter({
        reply: ({ json }) => {
          const { messages, tools } = json as ChatRequest
          // Whatever else it asks, it asks without tools.
          if (tools === undefined) return { text: 'A greeting' }
          const answered = messages.filter(({ role }) => role === 'tool')
          results.push(...answered.slice(results.length).map(({ content }) => JSON.stringify(content)))
          return steps(file)[answered.length] ?? { text: 'There is nothing left to do.' }
        },
        separateWrites: true,
      }),
    )
    const target = targetAt(coder, 'openai', { model: 'qwen3-coder' })
    const claude = forThisTest(await startClaude())
    claude.always(fault)
    const config = fault === undefined ? configOf(target) : configOf(targetAt(claude, 'anthropic'), target)
    const calls: AnsweredCall[] = []
    const gateway = await gatewayOf(config, calls)
    const printed = await ask(gateway.url, {
      prompt: 'Greet the spillway instead of the dam, in greeting.txt.',
      home,
      flags: ['--permission-mode', 'acceptEdits'],
    })
    expect(printed).toMatchObject({ result: 'The spillway is greeted now.', is_error: false })
    expect(readFileSync(file, 'utf8')).toBe('Hello, spillway.\nHow are you?\n')
    expect(results).toEqual([expect.stringContaining('Hello, dam.'), expect.stringContaining('updated')])
    for (const { response } of calls) expect(response.failure).toBeUndefined()
    expect(coder.requests.every(({ path }) => path === '/v1/chat/completions')).toBe(true)
  })
})

describe.skipIf(!isHere)('Claude Code at a server with the rules of DeepSeek', { timeout: 120_000 }, () => {
  it('reads two files at once and edits one, its thinking going back beside its calls', async () => {
    const home = realpathSync(temporaryFolder())
    const file = join(home, 'greeting.txt')
    const notes = join(home, 'notes.txt')
    writeFileSync(file, 'Hello, dam.\nHow are you?\n')
    writeFileSync(notes, 'It has a spillway now.\n')
    const [first, edit, last] = steps(file) as [Reply, Reply, Reply]
    const read = [...(first.toolUse ?? []), { name: 'Read', input: { file_path: notes } }]
    const script: Reply[] = [
      { ...first, thinking: 'I look at both.', toolUse: read, interleaved: true },
      { ...edit, thinking: 'Only the first line.', text: '\n\n' },
      last,
    ]
    const coder = forThisTest(
      await startOpenAi({
        rules: 'deepseek',
        reply: ({ json }) => {
          const { messages, tools } = json as ChatRequest
          if (tools === undefined) return { text: 'A greeting' }
          return script[messages.filter(({ role }) => role === 'assistant').length] ?? last
        },
        separateWrites: true,
      }),
    )
    const config = configOf(targetAt(coder, 'openai', { model: 'deepseek-v4-pro', dialect: 'deepseek' }))
    const gateway = await gatewayOf(config)
    const printed = await ask(gateway.url, {
      prompt: 'Greet the spillway instead of the dam, in greeting.txt; see notes.txt.',
      home,
      flags: ['--permission-mode', 'acceptEdits'],
    })
    expect(printed).toMatchObject({ result: 'The spillway is greeted now.', is_error: false })
    expect(readFileSync(file, 'utf8')).toBe('Hello, spillway.\nHow are you?\n')
    const chats = coder.requests.filter(({ path }) => path === '/v1/chat/completions')
    expect(chats.map(({ status }) => status)).toEqual(chats.map(() => 200))
    const { messages } = (chats.at(-1)?.json ?? { messages: [] }) as ChatRequest
    const results = messages.filter(({ role }) => role === 'tool').map(({ content }) => content)
    // It says first which file was read first.
    expect(results.slice(0, 2).map(String).sort()).toEqual([
      expect.stringContaining('Hello, dam.'),
      expect.stringContaining('It has a spillway now.'),
    ])
    expect(results.slice(2)).toEqual([expect.stringContaining('updated')])
    expect(messages.flatMap(({ reasoning_content: thought }) => thought ?? [])).toEqual([
      'I look at both.',
      'Only the first line.',
    ])
  })
})

const pixel =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

const onePage = `%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 72 72]>>endobj
trailer<</Root 1 0 R/Size 4>>
%%EOF
`
