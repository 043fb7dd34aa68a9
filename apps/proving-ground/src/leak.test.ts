import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { leakPerRequest } from './leak.ts'

it('a leak is as large as it is said to be, and not a part of the heap', async () => {
  const server = createServer((_, response) => void response.end()).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  leakPerRequest(100_000)
  const before = process.memoryUsage().arrayBuffers
  for (let requests = 0; requests < 50; requests++) await (await fetch(url)).arrayBuffer()
  const leaked = process.memoryUsage().arrayBuffers - before
  expect(leaked).toBeGreaterThan(4_000_000)
})
