import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { clientPortsOf } from './connections.ts'

it.runIf(process.platform === 'linux')('knows which clients a process is connected to', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const accepted = once(server, 'connection')
  const client = connect(port, '127.0.0.1')
  onTestFinished(() => void client.destroy())
  await Promise.all([accepted, once(client, 'connect')])
  expect(clientPortsOf(process.pid, port)).toEqual(new Set([client.localPort]))
  expect(clientPortsOf(process.ppid, port)).toEqual(new Set())
})
