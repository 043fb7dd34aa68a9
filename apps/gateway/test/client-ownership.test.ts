import Anthropic, { toFile } from '@anthropic-ai/sdk'
import { startClaude, startOpenAi } from '@spillway/testing'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { clientsOf } from './clients.ts'
import { configOf, forThisTest, gatewayOf, ownKey, targetAt, temporaryFolder } from './gateway.ts'
import { startOpenAiBatches } from './openai-batches.ts'

const model = 'claude-opus-5-5'
const both = {
  a: { permissions: ['chat', 'tools', 'batches', 'files'] },
  b: { permissions: ['chat', 'tools', 'batches', 'files'] },
}

async function claudeFor(more: object = {}, server: object = {}) {
  const claude = forThisTest(await startClaude({ models: [model] }))
  const clients = await clientsOf(both)
  const config = configOf(targetAt(claude, 'anthropic'), undefined, {
    server: { ...clients.server, ...server },
    ...more,
  })
  const gateway = await gatewayOf(config)
  const of = (name: 'a' | 'b', url = gateway.url) =>
    new Anthropic({ apiKey: clients.keys[name] as string, authToken: null, baseURL: url, maxRetries: 0 })
  return { claude, config, gateway, of }
}

const withFile = (file_id: string) => ({
  ...{ model, max_tokens: 100 },
  messages: [{ role: 'user', content: [{ type: 'document', source: { type: 'file', file_id } }] }],
})

async function uploaded(client: Anthropic): Promise<string> {
  const file = await toFile(Buffer.from('Hello, dam.'), 'a.txt', { type: 'text/plain' })
  return (await client.beta.files.upload({ file })).id
}

/** What a call is answered with: `ok`, or the error's status and message. */
const ended = (promise: PromiseLike<unknown>): Promise<string> =>
  Promise.resolve(promise).then(
    () => 'ok',
    (error: { status?: number; message: string }) => `${error.status} ${error.message}`,
  )

describe('clients that share the key of Anthropic', () => {
  it('name their own files alone in a prompt, also after a restart and at another gateway with the same storage', async () => {
    const storage = { url: `sqlite:${temporaryFolder()}/books.db` }
    const { claude, config, of } = await claudeFor({ storage })
    const file = await uploaded(of('a'))
    const ask = (client: Anthropic, id = file, more: object = {}) =>
      ended(client.messages.create({ ...withFile(id), ...more } as never))
    expect(await ask(of('a'))).toBe('ok')
    const before = claude.requests.length
    const refused = await ask(of('b'))
    expect(refused).toMatch(/^404 .*"not_found_error".*File not found: file_/)
    // Another's and nobody's are refused with the same words, so that no one learns which ids there are.
    const unknown = await ask(of('b'), 'file_of_nobody')
    expect(unknown.replaceAll('file_of_nobody', file).replace(/req_\w+|"request_id":"[^"]*"/g, '')).toBe(
      refused.replace(/req_\w+|"request_id":"[^"]*"/g, ''),
    )
    expect(await ask(of('b'), file, { stream: true })).toMatch(/^404/)
    expect(await ended(of('b').messages.countTokens(withFile(file) as never))).toMatch(/^404/)
    expect(claude.requests.length).toBe(before)
    const second = await gatewayOf(config)
    expect(await ask(of('a', second.url))).toBe('ok')
    expect(await ask(of('b', second.url))).toMatch(/^404/)
  })

  it('put no other client’s file into a batch, wherever in it', async () => {
    const { claude, of } = await claudeFor()
    const file = await uploaded(of('a'))
    const batchOf = (id: string, padding: string) => ({
      requests: [
        {
          custom_id: 'file_1',
          params: { model, max_tokens: 9, messages: [{ role: 'user', content: padding }] },
        },
        { custom_id: '2', params: withFile(id) },
      ],
    })
    const posts = () =>
      claude.requests.filter(({ method, path }) => method === 'POST' && path.includes('batches'))
    for (const padding of ['Hello?', 'Hello? '.repeat(100_000)]) {
      expect(await ended(of('b').messages.batches.create(batchOf(file, padding) as never))).toMatch(
        /^404 .*File not found/,
      )
      expect(await ended(of('a').messages.batches.create(batchOf(file, padding) as never))).toBe('ok')
    }
    expect(posts().filter(({ json }) => json !== undefined)).toHaveLength(2)
  })

  it('go on in containers that they were seen to make, and read the files of nobody else’s', async () => {
    const { of } = await claudeFor()
    const asked = {
      ...{ model, max_tokens: 100, messages: [{ role: 'user', content: 'Compute.' }] },
      tools: [{ type: 'code_execution_20250825', name: 'code_execution' }],
    }
    const first = (await of('a').messages.create(asked as never)) as unknown as { container: { id: string } }
    const { id } = first.container
    const again = { ...asked, container: id }
    expect(await ended(of('a').messages.create(again as never))).toBe('ok')
    expect(await ended(of('b').messages.create(again as never))).toMatch(
      /^404 .*Container with id 'container_/,
    )
    const stream = of('b').messages.stream(asked as never)
    const streamed = (await stream.finalMessage()) as unknown as { container: { id: string } | null }
    const own = { ...asked, container: { id: streamed.container?.id } }
    expect(await ended(of('b').messages.create(own as never))).toBe('ok')
    expect(await ended(of('a').messages.create(own as never))).toMatch(/^404/)
  })

  it('use what was uploaded past the gateway where that is configured, and still no other client’s', async () => {
    const { claude, of } = await claudeFor({}, { unknownIds: 'pass' })
    const body = new FormData()
    body.set('file', new Blob(['Hello, dam.']), 'a.txt')
    const headers = { 'x-api-key': ownKey.value, 'anthropic-version': '2023-06-01' }
    const past = await fetch(`${claude.url}/v1/files`, { method: 'POST', headers, body })
    const { id: shared } = (await past.json()) as { id: string }
    const file = await uploaded(of('a'))
    const ask = (client: Anthropic, id: string) => ended(client.messages.create(withFile(id) as never))
    expect(await ask(of('a'), shared)).toBe('ok')
    expect(await ask(of('b'), shared)).toBe('ok')
    expect(await ask(of('b'), file)).toMatch(/^404/)
    expect(await ended(of('b').beta.files.retrieveMetadata(shared))).toBe('ok')
    expect(await ended(of('b').beta.files.retrieveMetadata(file))).toMatch(/^404/)
  })
})

describe('clients that share the key of OpenAI', () => {
  it('go on with their own stored responses alone, whole or streamed, and refer to their own items', async () => {
    const openai = forThisTest(
      await startOpenAi({ models: ['gpt-6'], reply: { text: 'Hello.', thinking: 'Hm.' } }),
    )
    const clients = await clientsOf(both)
    const target = targetAt(openai, 'openai', { responses: true })
    const gateway = await gatewayOf(configOf(target, undefined, { server: clients.server }))
    const of = (name: 'a' | 'b') =>
      new OpenAI({ apiKey: clients.keys[name] as string, baseURL: `${gateway.url}/v1`, maxRetries: 0 })
        .responses
    const ask = (name: 'a' | 'b', more: object) =>
      ended(of(name).create({ model: 'gpt-6', input: 'Go on.', ...more } as never))
    const whole = await of('a').create({ model: 'gpt-6', input: 'Hello?' })
    const streamed = of('b').stream({ model: 'gpt-6', input: 'Hello?' })
    for await (const _ of streamed);
    const theirs = await streamed.finalResponse()
    const goOn = (id: string) => ({ previous_response_id: id })
    expect([await ask('a', goOn(whole.id)), await ask('b', goOn(theirs.id))]).toEqual(['ok', 'ok'])
    const before = openai.requests.length
    const refusedOne = await ask('b', goOn(whole.id))
    expect(refusedOne).toMatch(/^400 .*Previous response with id 'resp_\w+' not found/)
    expect(await ask('a', goOn(theirs.id))).toMatch(/^400/)
    expect(await ask('a', goOn('resp_of_nobody'))).toMatch(/^400/)
    const reference = (output: readonly object[]) => ({
      input: [
        { type: 'item_reference', id: (output[0] as { id: string }).id },
        { role: 'user', content: 'Go on.' },
      ],
    })
    expect(await ask('b', reference(whole.output))).toMatch(/^404 .*Item with id/)
    for (const more of [{ conversation: 'conv_1' }, { prompt: { id: 'pmpt_1' } }])
      expect(await ask('a', more)).toMatch(/^404/)
    expect(openai.requests.length).toBe(before)
    expect(await ask('a', reference(whole.output))).toBe('ok')
  })

  it('upload no batch that names another client’s file, and other files with any words in them', async () => {
    const openai = await startOpenAiBatches([ownKey.value])
    const clients = await clientsOf(both)
    const gateway = await gatewayOf(
      configOf(targetAt(openai, 'openai'), undefined, { server: clients.server }),
    )
    const of = (name: 'a' | 'b') =>
      new OpenAI({ apiKey: clients.keys[name] as string, baseURL: `${gateway.url}/v1`, maxRetries: 0 })
    const line = (id: string): string =>
      JSON.stringify({
        custom_id: '1',
        body: { messages: [{ content: [{ type: 'file', file: { file_id: id } }] }] },
      })
    const upload = async (name: 'a' | 'b', text: string, purpose: 'batch' | 'user_data') =>
      ended(of(name).files.create({ purpose, file: await toFile(Buffer.from(text), 'a.jsonl') }))
    const stranger = line('file-0123456789abcdef')
    expect(await upload('b', stranger, 'user_data')).toBe('ok')
    const uploads = () => openai.seen.filter(({ call }) => call === 'POST /v1/files').length
    const before = uploads()
    expect(await upload('b', stranger, 'batch')).toMatch(/^404 .*File not found: file-0123456789abcdef/)
    expect(await upload('b', `${'{}\n'.repeat(100_000)}${stranger}`, 'batch')).toMatch(/^404/)
    expect(uploads()).toBe(before)
    expect(await upload('b', line('file-short'), 'batch')).toBe('ok')
  })
})
