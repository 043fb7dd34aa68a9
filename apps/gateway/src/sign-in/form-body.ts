import type { IncomingMessage } from 'node:http'
import { type Clock, systemClock } from '@spillway/middleware'

/** Refresh tokens of identity providers are long, and sealed they are longer. */
const most = 65_536
const patience = 10_000

/** The fields of a form; undefined for what is none, is too large or does not arrive. */
export function readForm(
  req: IncomingMessage,
  clock: Pick<Clock, 'setTimer'> = systemClock,
): Promise<URLSearchParams | undefined> {
  const type = req.headers['content-type'] ?? ''
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(type)) {
    req.resume()
    return Promise.resolve(undefined)
  }
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let size = 0
    const settle = (value: URLSearchParams | undefined): void => {
      cancel()
      req.off('data', take)
      req.resume()
      resolve(value)
    }
    const take = (chunk: Buffer): void => {
      size += chunk.length
      if (size > most) return settle(undefined)
      chunks.push(chunk)
    }
    const cancel = clock.setTimer(patience, () => settle(undefined))
    req.on('data', take)
    req.once('end', () => settle(new URLSearchParams(Buffer.concat(chunks).toString('utf8'))))
    req.once('close', () => settle(undefined))
  })
}
