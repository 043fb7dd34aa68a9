import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * A port of 127.0.0.1 at which no process listens, for a program that must be given its port. Lies below those that
 * operating systems give to outgoing connections (from 32768 on Linux, RFC 6056): one of these could take a port
 * between this answer and the start of the program, or while the program restarts.
 * @returns a port from 20000 to 32767
 * @throws Error when 100 ports in a row are taken
 */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < 100; tried++) {
    const port = randomInt(20_000, 32_768)
    if (await isFree(port)) return port
  }
  throw new Error('no free port on 127.0.0.1 between 20000 and 32767')
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    await once(server.listen({ port, host: '127.0.0.1', exclusive: true }), 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}
