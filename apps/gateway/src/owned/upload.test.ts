import type { IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import { virtualClock } from '@spillway/testing'
import { expect, it } from 'vitest'
import { StallWatch } from '../server/stall-watch.ts'
import { openUpload, UploadTooLarge } from './upload.ts'

const requestOf = (...pieces: readonly Buffer[]): IncomingMessage => {
  const stream = new PassThrough()
  for (const piece of pieces) stream.write(piece)
  return stream as unknown as IncomingMessage
}
const neverStalls = (): StallWatch => new StallWatch(Infinity, virtualClock())

it('passes a body on with its beginning, and stops at the bound', async () => {
  const pieces = [Buffer.alloc(70_000, 'a'), Buffer.alloc(100, 'b')]
  const whole = requestOf(...pieces)
  ;(whole as unknown as PassThrough).end()
  const { beginning, body } = await openUpload(whole, 100_000, neverStalls())
  expect(beginning.length).toBeGreaterThanOrEqual(65_536)
  expect(await new Response(body).text()).toBe(Buffer.concat(pieces).toString())
  const large = await openUpload(requestOf(...pieces), 70_050, neverStalls())
  await expect(new Response(large.body).text()).rejects.toThrow(UploadTooLarge)
})

it('cuts off a client that stops sending', async () => {
  const clock = virtualClock()
  const req = requestOf(Buffer.from('a'))
  const opening = openUpload(req, 1_000, new StallWatch(30_000, clock)).catch((error: unknown) => error)
  await clock.advance(40_000)
  expect(await opening).toBeInstanceOf(Error)
  expect(req.destroyed).toBe(true)
})
