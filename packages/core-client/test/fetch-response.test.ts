import { Readable } from 'node:stream'
import { type SimulatedServer, startClaude } from '@spillway/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Client, createClient } from '../src/index.ts'
import { question, rejection, serve, smallAnswer } from './support.ts'

let claude: SimulatedServer
let client: Client
beforeEach(async () => {
  claude = await startClaude({ separateWrites: true })
  client = createClient({ provider: 'anthropic', baseUrl: claude.url, credential: 'k' })
})
afterEach(async () => {
  await client.close()
  await claude.close()
})
const fetch = (stream = true): Promise<Response> =>
  client.fetch(`${claude.url}/v1/messages`, question({ stream }))
const sent = (): string => Buffer.from(claude.requests.at(-1)?.sent ?? []).toString()

describe("the response of a client's fetch", () => {
  it('is a Response with the facts of the answer', async () => {
    const response = await fetch()
    expect(response).toBeInstanceOf(Response)
    expect(response).toMatchObject({ status: 200, ok: true, redirected: false, bodyUsed: false })
    expect(response.url).toBe(`${claude.url}/v1/messages`)
    expect(response.headers.get('content-type')).toMatch('text/event-stream')
    expect(response.body).toBeInstanceOf(ReadableStream)
    await response.body?.cancel()
  })

  it.each([false, true])('reads as text, JSON, bytes, a buffer and a blob (stream: %s)', async (stream) => {
    expect(await (await fetch(stream)).text()).toBe(sent())
    // Younger than the types of the oldest Node that is supported.
    const withBytes = (await fetch(stream)) as Response & { bytes(): Promise<Uint8Array> }
    expect(Buffer.from(await withBytes.bytes()).toString()).toBe(sent())
    expect(Buffer.from(await (await fetch(stream)).arrayBuffer()).toString()).toBe(sent())
    const blob = await (await fetch(stream)).blob()
    expect(await blob.text()).toBe(sent())
    expect(blob.type).toMatch(stream ? 'text/event-stream' : 'application/json')
    if (!stream) expect(await (await fetch(stream)).json()).toEqual(JSON.parse(sent()))
  })

  it('reads as a form', async () => {
    await using upstream = await serve((_, response) => {
      response.writeHead(400, { 'content-type': 'application/x-www-form-urlencoded' }).end('gate=3')
    })
    await using other = createClient({ provider: 'anthropic', baseUrl: upstream.url })
    const response = await other.fetch(`${upstream.url}/v1/messages`, question())
    expect((await response.formData()).get('gate')).toBe('3')
  })

  it('reads the same after its body was touched', async () => {
    const response = await fetch()
    expect(response.body?.locked).toBe(false)
    expect(await response.text()).toBe(sent())
  })

  it('throws a TypeError when its body is used twice, in any way', async () => {
    const readers: ((response: Response) => PromiseLike<unknown>)[] = [
      (response) => response.text(),
      (response) => response.arrayBuffer(),
      async (response) => {
        for await (const _ of response.body ?? []);
      },
      async (response) => response.body?.pipeTo(new WritableStream()),
    ]
    for (const read of readers) {
      const response = await fetch()
      await read(response)
      expect(response.bodyUsed).toBe(true)
      expect(await rejection(response.text())).toBeInstanceOf(TypeError)
      expect(await rejection(response.json())).toBeInstanceOf(TypeError)
      expect(() => response.clone()).toThrow(TypeError)
    }
  })

  it.each([
    ['the copy first', true],
    ['the original first', false],
  ])('reads twice when it was cloned, %s', async (_, copyFirst) => {
    const response = await fetch()
    const copy = response.clone()
    expect(copy).toBeInstanceOf(Response)
    expect(copy.status).toBe(200)
    expect(copy.headers.get('content-type')).toBe(response.headers.get('content-type'))
    for (const each of copyFirst ? [copy, response] : [response, copy]) {
      expect(each.bodyUsed).toBe(false)
      expect(await each.text()).toBe(sent())
      expect(each.bodyUsed).toBe(true)
    }
  })

  it('may be cloned twice', async () => {
    const response = await fetch(false)
    const copies = [response.clone(), response.clone(), response]
    expect(await Promise.all(copies.map((each) => each.text()))).toEqual(Array(3).fill(sent()))
  })

  it('can be wrapped in another Response', async () => {
    expect(await new Response((await fetch()).body).text()).toBe(sent())
  })

  it('can be read as a Node stream', async () => {
    const body = (await fetch()).body
    const chunks: Uint8Array[] = []
    // The web streams of the global scope and of `node:stream/web` are one, but their types are two.
    for await (const chunk of Readable.fromWeb(body as never)) chunks.push(chunk)
    expect(Buffer.concat(chunks).toString()).toBe(sent())
  })

  it('can be piped through a text decoder', async () => {
    let text = ''
    const body = (await fetch()).body as ReadableStream
    for await (const piece of body.pipeThrough(new TextDecoderStream())) text += piece
    expect(text).toBe(sent())
  })

  it('can be teed', async () => {
    const branches = (await fetch()).body?.tee() ?? []
    const texts = await Promise.all(branches.map((branch) => new Response(branch).text()))
    expect(texts).toEqual([sent(), sent()])
  })

  it('can be read chunk by chunk, some by a reader and the rest by a loop', async () => {
    const response = await fetch()
    const reader = response.body?.getReader()
    let text = Buffer.from((await reader?.read())?.value ?? []).toString()
    reader?.releaseLock()
    for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString()
    expect(text).toBe(sent())
  })

  it('closes the upstream when a reader cancels', async () => {
    claude.next({ type: 'stall', afterChunks: 2, ms: Infinity })
    const reader = (await fetch()).body?.getReader()
    await reader?.read()
    await reader?.cancel()
    await claude.requests[0]?.closedByPeer
  })

  it('has several cookies apart', async () => {
    await using upstream = await serve((_, response) => {
      response.setHeader('set-cookie', ['a=1; Path=/', 'b=2'])
      response.setHeader('content-type', 'application/json').end(smallAnswer)
    })
    await using other = createClient({ provider: 'anthropic', baseUrl: upstream.url })
    const { headers } = await other.fetch(`${upstream.url}/v1/messages`, question())
    expect(headers.getSetCookie()).toEqual(['a=1; Path=/', 'b=2'])
  })
})
