import type { IncomingMessage } from 'node:http'
import { concatBytes } from '@spillway/middleware'

/** What Anthropic's own edge accepts. */
export const largestRequest: number = 32 * 1024 * 1024

/** How long the rest of a body that is too large may still arrive, in milliseconds, before the connection goes. */
const drainTime = 10_000

/**
 * Reads the body of a request whole. Undefined when it is too large: what is left of it is then read and thrown
 * away for a while, since a client that is still writing would not see the answer.
 * @throws when the client leaves before the end
 */
export function readRequestBody(req: IncomingMessage, limit: number): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    const tooLarge = (): void => {
      req.removeAllListeners('data')
      req.resume()
      const timer = setTimeout(() => req.destroy(), drainTime)
      req.on('close', () => clearTimeout(timer))
      resolve(undefined)
    }
    if (Number(req.headers['content-length'] ?? 0) > limit) return tooLarge()
    req.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > limit) return tooLarge()
      chunks.push(chunk)
    })
    req.on('end', () => resolve(concatBytes(chunks)))
    req.on('error', reject)
    req.on('close', () => {
      if (!req.complete) reject(new Error('the client left'))
    })
  })
}
