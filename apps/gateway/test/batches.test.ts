import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import Anthropic, { toFile } from '@anthropic-ai/sdk'
import { startClaude } from '@spillway/testing'
import { costOf } from '@spillway/usage'
import OpenAI from 'openai'
import { describe, expect, it, onTestFinished } from 'vitest'
import { forThisTest, gatewayOf, temporaryFolder } from './gateway.ts'
import { startOpenAiBatches } from './openai-batches.ts'

const anthropicAt = (url: string, apiKey = 'sk-of-the-caller'): Anthropic =>
  new Anthropic({ baseURL: url, apiKey, maxRetries: 0 })

const requests = (models: readonly string[]) =>
  models.map((model, index) => ({
    custom_id: `request-${index}`,
    params: { model, max_tokens: 20, messages: [{ role: 'user' as const, content: 'Hello?' }] },
  }))

process.env.SPILLWAY_BATCH_A = 'sk-ant-a'
process.env.SPILLWAY_BATCH_B = 'sk-ant-b'

/** A vendor that takes two keys, each with batches of its own, and a target with both. */
async function twoKeys(more: object = {}) {
  const claude = forThisTest(
    await startClaude({
      apiKeys: ['sk-ant-a', 'sk-ant-b'],
      reply: { usage: { inputTokens: 1_000, outputTokens: 500 } },
    }),
  )
  const endpoints = ['A', 'B'].map((key) => ({
    url: claude.url,
    name: key,
    credential: `env:SPILLWAY_BATCH_${key}`,
  }))
  const config = {
    targets: {
      claude: { api: 'anthropic', endpoints },
      second: { api: 'anthropic', endpoints: [endpoints[1]] },
    },
    routes: [
      { models: 'claude-haiku-*', target: 'second' },
      { models: '*', target: 'claude' },
    ],
    ...more,
  }
  return { claude, config }
}

const keysSeen = ({
  requests: seen,
}: {
  requests: readonly { headers: Readonly<Record<string, string>> }[]
}) => new Set(seen.map(({ headers }) => headers['x-api-key']))

const usage = {
  ...{
    inputTokens: 1_000,
    outputTokens: 500,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    cacheWrite1hTokens: 0,
  },
  ...{ reasoningTokens: 0, estimated: false },
}

const patiently = { timeout: 10_000 }

/** Whether it is noted in the database who made it. */
function noted(url: string, id: string): boolean {
  const db = new DatabaseSync(url.replace('sqlite:', ''), { readOnly: true })
  const row = db.prepare('select id from owners where id = ?').get(id)
  db.close()
  return row !== undefined
}

describe('batches', () => {
  it('go to the key that made them, from their beginning to their results, which come to the gateway', async () => {
    const { claude, config } = await twoKeys()
    const { url } = await gatewayOf(config)
    const anthropic = anthropicAt(url)
    const batch = await anthropic.messages.batches.create({
      requests: requests(['claude-haiku-5-5', 'claude-haiku-5-5']),
    })
    expect(batch.processing_status).toBe('in_progress')
    const ended = await anthropic.messages.batches.retrieve(batch.id)
    expect(ended.results_url).toBe(`${url}/v1/messages/batches/${batch.id}/results`)
    const results: string[] = []
    for await (const { custom_id, result } of await anthropic.messages.batches.results(batch.id))
      results.push(`${custom_id} ${result.type}`)
    expect(results).toEqual(['request-0 succeeded', 'request-1 succeeded'])
    expect(keysSeen(claude)).toEqual(new Set(['sk-ant-b']))
    expect(await anthropic.messages.batches.cancel(batch.id)).toMatchObject({
      processing_status: 'canceling',
    })
    expect(await anthropic.messages.batches.delete(batch.id)).toMatchObject({ type: 'message_batch_deleted' })
    expect(JSON.stringify(claude.requests.map(({ headers }) => headers))).not.toContain('of-the-caller')
  })

  it('are found by asking after a restart, and an unknown one is a 404 that says so', async () => {
    const { claude, config } = await twoKeys()
    const headers = { 'x-api-key': 'sk-ant-b', 'anthropic-version': '2023-06-01' }
    const made = await fetch(`${claude.url}/v1/messages/batches`, {
      ...{ method: 'POST', headers, body: JSON.stringify({ requests: requests(['claude-opus-5-5']) }) },
    })
    const { id } = (await made.json()) as { id: string }
    const { url } = await gatewayOf(config)
    const anthropic = anthropicAt(url)
    expect(await anthropic.messages.batches.retrieve(id)).toMatchObject({ id })
    const unknown = await anthropic.messages.batches
      .retrieve('msgbatch_nothing')
      .catch((error: unknown) => error)
    expect(unknown).toBeInstanceOf(Anthropic.NotFoundError)
    expect(String(unknown)).toContain('msgbatch_nothing: none of the endpoints')
  })

  it('of one caller are nobody else’s, and the vendor’s errors come as they are', async () => {
    const { config } = await twoKeys()
    const { url } = await gatewayOf(config)
    const { id } = await anthropicAt(url, 'sk-a').messages.batches.create({
      requests: requests(['claude-opus-5-5']),
    })
    await expect(anthropicAt(url, 'sk-b').messages.batches.retrieve(id)).rejects.toBeInstanceOf(
      Anthropic.NotFoundError,
    )
    const twice = [...requests(['m']), ...requests(['m'])]
    await expect(anthropicAt(url).messages.batches.create({ requests: twice })).rejects.toThrow(
      /Duplicate custom_id/,
    )
    const wrong = await fetch(`${url}/v1/messages/batches/${id}`, { method: 'PUT' })
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET, DELETE'])
  })

  it('stay those of their caller after a restart, and at another gateway of the same database', async () => {
    const storage = { url: `sqlite:${join(temporaryFolder(), 'books.db')}` }
    const { claude, config } = await twoKeys({ storage })
    const gateway = await gatewayOf(config)
    const params = { requests: requests(['claude-haiku-5-5']) }
    const { id } = await anthropicAt(gateway.url, 'sk-a').messages.batches.create(params)
    await expect.poll(() => noted(storage.url, id), patiently).toBe(true)
    const other = await gatewayOf({
      ...config,
      storage: { ...storage, journal: join(temporaryFolder(), 'j') },
    })
    await gateway.close(0)
    const again = await gatewayOf(config)
    const before = claude.requests.length
    for (const { url } of [other, again]) {
      // A list shows it to whoever asks with the same key of the vendor, and makes nobody its owner.
      const listed = await anthropicAt(url, 'sk-b').messages.batches.list(
        {},
        { headers: { 'x-spillway-target': 'second' } },
      )
      expect(listed.data.map((batch) => batch.id)).toEqual([id])
      await expect(anthropicAt(url, 'sk-b').messages.batches.retrieve(id)).rejects.toBeInstanceOf(
        Anthropic.NotFoundError,
      )
      expect(await anthropicAt(url, 'sk-a').messages.batches.retrieve(id)).toMatchObject({ id })
    }
    // It was known where it is: the other key was not asked.
    expect(keysSeen({ requests: claude.requests.slice(before) })).toEqual(new Set(['sk-ant-b']))
    expect(await anthropicAt(again.url, 'sk-a').messages.batches.delete(id)).toMatchObject({ id })
    await expect.poll(() => noted(storage.url, id), patiently).toBe(false)
  })

  it('that were listed by one caller are not lost to the one who made them, without a database', async () => {
    const { config } = await twoKeys()
    const params = { requests: requests(['claude-haiku-5-5']) }
    const { id } = await anthropicAt((await gatewayOf(config)).url, 'sk-a').messages.batches.create(params)
    const { url } = await gatewayOf(config)
    const named = { headers: { 'x-spillway-target': 'second' } }
    expect((await anthropicAt(url, 'sk-b').messages.batches.list({}, named)).data).toHaveLength(1)
    expect(await anthropicAt(url, 'sk-a').messages.batches.retrieve(id)).toMatchObject({ id })
  })

  it('are booked when their results are read, at the price of batches, once, also after a restart', async () => {
    const file = join(temporaryFolder(), 'books.db')
    const { config } = await twoKeys({ storage: { url: `sqlite:${file}` } })
    const gateway = await gatewayOf(config)
    const anthropic = anthropicAt(gateway.url)
    const { id } = await anthropic.messages.batches.create({
      requests: requests(['claude-opus-5-5', 'claude-opus-5-5', 'claude-sonnet-5-5']),
    })
    const read = async (client: Anthropic): Promise<void> => {
      for await (const _ of await client.messages.batches.results(id));
    }
    await read(anthropic)
    await read(anthropic)
    await gateway.close(0)
    const again = await gatewayOf(config)
    await read(anthropicAt(again.url))
    const listed = await fetch(`${again.url}/api/calls?limit=5`)
    expect([listed.status, await listed.json()]).toMatchObject([200, { calls: [{ id: `batch-${id}` }] }])
    await again.close(0)
    const db = new DatabaseSync(file)
    onTestFinished(() => db.close())
    const booked = db.prepare(
      'select model_asked, target, endpoint, input_tokens, output_tokens, cost_nano, tenant from attempts',
    )
    const plain = (model: string, requests: number) =>
      requests *
      Number(costOf(usage, { model, provider: 'anthropic', at: Date.now(), batch: true }).nanoDollars)
    const owner = { target: 'claude', endpoint: 'A', tenant: expect.stringMatching(/^key-/) }
    expect(booked.all()).toEqual([
      {
        ...{ model_asked: 'claude-opus-5-5', input_tokens: 2_000, output_tokens: 1_000 },
        ...{ ...owner, cost_nano: plain('claude-opus-5-5', 2) },
      },
      {
        ...{ model_asked: 'claude-sonnet-5-5', input_tokens: 1_000, output_tokens: 500 },
        ...{ ...owner, cost_nano: plain('claude-sonnet-5-5', 1) },
      },
    ])
    expect(db.prepare('select call_id, operation, attempts from calls').all()).toEqual([
      { call_id: `batch-${id}`, operation: 'batch', attempts: 2 },
    ])
  })
})

describe('files', () => {
  it('go up as they come, to the key that batches with them use, and are told, listed and deleted', async () => {
    const { claude, config } = await twoKeys()
    const { url } = await gatewayOf(config)
    const anthropic = anthropicAt(url)
    const file = await toFile(Buffer.alloc(300_000, 'x'), 'dam.txt', { type: 'text/plain' })
    const made = await anthropic.beta.files.upload({ file })
    expect(made).toMatchObject({ filename: 'dam.txt', size_bytes: 300_000 })
    expect(await anthropic.beta.files.retrieveMetadata(made.id)).toMatchObject({ id: made.id })
    expect((await anthropic.beta.files.list()).data.map(({ id }) => id)).toEqual([made.id])
    expect(await anthropic.beta.files.delete(made.id)).toMatchObject({ id: made.id })
    expect(keysSeen(claude)).toEqual(new Set(['sk-ant-b']))
  })

  it('are passed on without being held, both ways, and an end that breaks off looks like none', async () => {
    let received = 0
    const vendor = createServer((req, res) => {
      req.on('data', (chunk: Buffer) => {
        received += chunk.length
      })
      if (req.url?.endsWith('/content')) {
        res.write('first')
        return void setTimeout(() => res.destroy(), 50)
      }
      req.on('end', () => res.writeHead(200, { 'content-type': 'application/json' }).end('{"id":"file_011"}'))
    })
    await new Promise<void>((resolve) => vendor.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void vendor.close())
    const address = `http://127.0.0.1:${(vendor.address() as AddressInfo).port}`
    const { url } = await gatewayOf({
      targets: { claude: { api: 'anthropic', endpoints: [{ url: address }] } },
      routes: [{ models: '*', target: 'claude' }],
    })
    const headers = { 'anthropic-version': '2023-06-01', 'content-type': 'application/octet-stream' }
    let more: (() => void) | undefined
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(Buffer.alloc(200_000))
        more = () => {
          controller.enqueue(Buffer.alloc(10))
          controller.close()
        }
      },
    })
    const sent = fetch(`${url}/v1/files`, { method: 'POST', headers, body, duplex: 'half' } as RequestInit)
    await expect.poll(() => received).toBe(200_000)
    more?.()
    expect(await (await sent).json()).toEqual({ id: 'file_011' })
    const broken = await fetch(`${url}/v1/files/file_011/content`, { headers })
    expect(broken.status).toBe(200)
    await expect(broken.text()).rejects.toThrow()
  })

  it('of a vendor that is silent, or answers with what is no JSON, are an error in time', async () => {
    const vendor = createServer((req, res) => {
      if (req.url === '/v1/files') res.writeHead(200, { 'content-type': 'application/json' }).end('{"data":')
    })
    await new Promise<void>((resolve) => vendor.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void vendor.close().closeAllConnections())
    const address = `http://127.0.0.1:${(vendor.address() as AddressInfo).port}`
    const { url } = await gatewayOf({
      targets: { claude: { api: 'anthropic', endpoints: [{ url: address }] } },
      routes: [{ models: '*', target: 'claude' }],
      timeouts: { total: '200ms' },
    })
    const headers = { 'anthropic-version': '2023-06-01' }
    const statusOf = async (path: string): Promise<number> =>
      (await fetch(`${url}${path}`, { headers })).status
    expect([await statusOf('/v1/files'), await statusOf('/v1/messages/batches')]).toEqual([502, 504])
  })
})

/** A vendor with two keys, and a gateway whose endpoints have one each. */
async function openAiGateway(more: object = {}) {
  const vendor = await startOpenAiBatches(['sk-ant-a', 'sk-ant-b'])
  const endpoints = ['A', 'B'].map((key) => ({
    ...{ url: vendor.url, name: key, credential: `env:SPILLWAY_BATCH_${key}` },
  }))
  const config = {
    targets: { gpt: { api: 'openai', endpoints }, spare: { api: 'openai', endpoints: [endpoints[1]] } },
    routes: [{ models: '*', target: 'gpt', fallback: ['spare'] }],
    ...more,
  }
  return { vendor, config, gateway: await gatewayOf(config) }
}

const openaiAt = (url: string, apiKey = 'sk-of-the-caller', headers: Record<string, string> = {}): OpenAI =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0, defaultHeaders: headers })

const batchLines = ['gpt-5.5', 'gpt-5.5', 'gpt-5.5-mini']
  .map((model, index) => {
    const body = { model, messages: [{ role: 'user', content: 'Hello?' }] }
    return JSON.stringify({ custom_id: `r-${index}`, method: 'POST', url: '/v1/chat/completions', body })
  })
  .join('\n')

const runBatch = async (openai: OpenAI) => {
  const file = await openai.files.create({
    purpose: 'batch',
    file: await toFile(Buffer.from(batchLines), 'in.jsonl'),
  })
  const batch = await openai.batches.create({
    ...{ input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h' },
  })
  return { file, batch }
}

describe('batches and files of OpenAI, with its official client', () => {
  it('go to the key that made them, from the file that goes up to the results, which are booked once', async () => {
    const storage = { url: `sqlite:${join(temporaryFolder(), 'books.db')}` }
    const { vendor, config, gateway } = await openAiGateway({ storage })
    const openai = openaiAt(gateway.url, 'sk-a', { 'x-spillway-target': 'spare' })
    const { file, batch } = await runBatch(openai)
    expect(file).toMatchObject({ filename: 'in.jsonl', bytes: batchLines.length })
    // From here on it is known where they are.
    const plain = openaiAt(gateway.url, 'sk-a')
    const ended = await plain.batches.retrieve(batch.id)
    expect(ended).toMatchObject({ status: 'completed', input_file_id: file.id })
    const read = async (client: OpenAI) =>
      (await (await client.files.content(ended.output_file_id ?? '')).text()).trim().split('\n')
    expect((await read(plain)).map((line) => JSON.parse(line).custom_id)).toEqual(['r-0', 'r-1', 'r-2'])
    await read(plain)
    expect(await plain.batches.cancel(batch.id)).toMatchObject({ status: 'cancelling' })
    expect((await openai.batches.list()).data.map(({ id }) => id)).toEqual([batch.id])
    expect((await openai.files.list()).data.map(({ id }) => id)).toEqual([file.id, ended.output_file_id])
    expect(new Set(vendor.seen.map(({ key }) => key))).toEqual(new Set(['sk-ant-b']))
    await expect(openaiAt(gateway.url, 'sk-b').batches.retrieve(batch.id)).rejects.toBeInstanceOf(
      OpenAI.NotFoundError,
    )
    await gateway.close(0)
    const again = await gatewayOf(config)
    const after = openaiAt(again.url, 'sk-a')
    // Asked for: its endpoints are, and the batch says whose results its file has.
    expect(await after.batches.retrieve(batch.id)).toMatchObject({ status: 'completed' })
    await read(after)
    const { calls } = (await (await fetch(`${again.url}/api/calls?limit=9`)).json()) as {
      calls: { id: string }[]
    }
    expect(calls.map(({ id }) => id)).toEqual([`batch-${batch.id}-${ended.output_file_id}`])
    expect(await after.files.delete(file.id)).toMatchObject({ deleted: true })
    await expect(after.files.retrieve(file.id)).rejects.toBeInstanceOf(OpenAI.NotFoundError)
  })

  it('are found at any of many endpoints within the limit of the call, some of which are silent', async () => {
    const silent = createServer(() => {})
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void silent.close().closeAllConnections())
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
    const { vendor, gateway } = await openAiGateway()
    const { batch } = await runBatch(openaiAt(gateway.url))
    const silents = Array.from({ length: 18 }, (_, index) => ({ url, name: `s${index}` }))
    const good = { url: vendor.url, credential: 'env:SPILLWAY_BATCH_A' }
    const restarted = await gatewayOf({
      targets: { gpt: { api: 'openai', endpoints: [...silents, good] } },
      routes: [{ models: '*', target: 'gpt' }],
      timeouts: { total: '1s' },
    })
    const openai = openaiAt(restarted.url)
    expect(await openai.batches.retrieve(batch.id)).toMatchObject({ id: batch.id })
    const from = performance.now()
    const missing = await openai.batches.retrieve('batch_nothing').catch((error: unknown) => error)
    expect(missing).toMatchObject({ status: 504 })
    expect(performance.now() - from).toBeLessThan(5_000)
  })

  it('that an endpoint cannot be asked about are not said to be nowhere', async () => {
    const { gateway } = await openAiGateway({
      targets: {
        gpt: { api: 'openai', endpoints: [{ url: 'http://127.0.0.1:9' }] },
      },
      routes: [{ models: '*', target: 'gpt' }],
    })
    await expect(openaiAt(gateway.url).batches.retrieve('batch_1')).rejects.toMatchObject({
      status: 503,
      message: expect.stringContaining('not every endpoint that may have it has answered'),
    })
  })
})
