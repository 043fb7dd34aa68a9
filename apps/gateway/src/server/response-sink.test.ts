import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ResponseBody } from '@spillway/middleware'
import { BodyChannel, bodyOf } from '@spillway/middleware/kit'
import { expect, it, onTestFinished } from 'vitest'
import { sendWhole } from './response-sink.ts'

const MB = 1_000_000

/** What a client gets that is sent this body whole. */
async function received(body: ResponseBody): Promise<Response> {
  const server = createServer((_req, res) => sendWhole(res, 'openai', 200, { 'x-a': 'b' }, body))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
}

it.each([0, 1, 300_000, 20 * MB])('a body of %i bytes comes whole, with its length', async (length) => {
  const bytes = Buffer.alloc(length, 'abc')
  const response = await received(bodyOf(bytes))
  expect(response.headers.get('content-length')).toBe(String(length))
  expect(response.headers.get('x-a')).toBe('b')
  expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true)
})

it.each([8_192, 8_193])('a body of %i bytes comes as it was, whatever its bytes', async (length) => {
  const bytes = Buffer.from(Array.from({ length }, (_, index) => index % 256))
  // Not at the beginning of its memory.
  const response = await received(bodyOf(Buffer.concat([Buffer.from('before'), bytes]).subarray(6)))
  expect(response.headers.get('content-length')).toBe(String(length))
  expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true)
})

it('a body without an end is given up, and its upstream with it', async () => {
  let pushed = 0
  let isCancelled = false
  const body = new BodyChannel({
    pause() {},
    resume() {},
    cancel() {
      isCancelled = true
    },
  })
  const chunk = Buffer.alloc(MB)
  const timer = setInterval(() => {
    for (let index = 0; index < 10 && !isCancelled; index++) {
      body.push(chunk)
      pushed += chunk.length
    }
  }, 1)
  onTestFinished(() => clearInterval(timer))
  const response = await received(body)
  expect(response.status).toBe(502)
  expect(await response.json()).toMatchObject({
    error: { message: expect.stringContaining('67108864 bytes') },
  })
  expect(isCancelled).toBe(true)
  expect(pushed).toBeLessThan(70 * MB)
})
