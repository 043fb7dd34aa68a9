import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Clock, systemClock } from '@spillway/middleware'

/** Why a body is refused, and the status that says so. */
export interface BodyProblem {
  readonly status: 400 | 408 | 413 | 415
  readonly message: string
}

/** The largest body of an act, in bytes. */
const most = 64 * 1024

/** How long it may take to arrive, in milliseconds. */
const patience = 10_000

/**
 * The JSON object that an act brings. It has to be named as JSON: a form of another site cannot do that without asking first.
 * An empty body is an empty object.
 */
export async function readJsonBody(
  req: IncomingMessage,
  res: ServerResponse,
  clock: Pick<Clock, 'setTimer'> = systemClock,
): Promise<{ readonly body: Readonly<Record<string, unknown>> } | BodyProblem> {
  const { 'content-type': type = '', 'content-encoding': encoding, 'content-length': length } = req.headers
  const isEmpty = length === '0' || (length === undefined && req.headers['transfer-encoding'] === undefined)
  if (isEmpty) return { body: {} }
  if (!/^application\/json\s*(;|$)/i.test(type) || encoding !== undefined)
    return { status: 415, message: 'expected JSON: content-type: application/json, not compressed' }
  if (Number(length) > most) return tooLarge
  if (req.headers.expect !== undefined) res.writeContinue()
  const bytes = await collected(req, clock)
  if (!Buffer.isBuffer(bytes)) return bytes
  try {
    const body: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    if (typeof body === 'object' && body !== null && !Array.isArray(body))
      return { body: body as Record<string, unknown> }
  } catch {
    // The parser quotes what it reads, which may be a key.
  }
  return { status: 400, message: 'expected a JSON object' }
}

const tooLarge: BodyProblem = { status: 413, message: `expected at most ${most} bytes` }

function collected(req: IncomingMessage, clock: Pick<Clock, 'setTimer'>): Promise<Buffer | BodyProblem> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let size = 0
    const settle = (value: Buffer | BodyProblem): void => {
      cancel()
      req.off('data', take)
      req.resume()
      resolve(value)
    }
    const take = (chunk: Buffer): void => {
      size += chunk.length
      if (size > most) return settle(tooLarge)
      chunks.push(chunk)
    }
    const cancel = clock.setTimer(patience, () =>
      settle({ status: 408, message: 'the body did not arrive in time' }),
    )
    req.on('data', take)
    req.once('end', () => settle(Buffer.concat(chunks)))
    req.once('close', () => settle({ status: 400, message: 'the body broke off' }))
  })
}
