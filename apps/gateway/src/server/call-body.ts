import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Readable, Transform } from 'node:stream'
import type { Failure, ModelResponse } from '@spillway/middleware'
import { type JsonBody, LentBytes } from '@spillway/middleware/kit'
import { BodyScanner } from '@spillway/wire/internal'
import { acceptedEncodings, bodyEncoding, decoderBytes } from './body-decoding.ts'
import { boundDefaults } from './bounds.ts'
import { GrowingBuffer } from './growing-buffer.ts'
import type { InFlightBytes, Reservation } from './in-flight-bytes.ts'
import { callerError } from './refusal.ts'
import type { StallWatch } from './stall-watch.ts'

/** What reading bodies needs. */
export interface BodyReading {
  readonly inFlight: InFlightBytes
  /** Watches over bodies that arrive. */
  readonly bodyStalls: StallWatch
  /** What that watch waits for, in milliseconds. */
  readonly bodyTimeout: number
  /** The largest body, in bytes. */
  readonly maxRequestBytes: number
  /** The largest answer, in bytes. */
  readonly maxResponseBytes: number
}

/** The body of a call, whole. */
export interface CallBody {
  readonly body: JsonBody
  /** The bytes counted for it; to be released with the last reference. */
  readonly held: Reservation
}

/** Why a body was not taken. What was read of it is gone, and the rest is read and thrown away. */
export interface RefusedBody {
  readonly failure: Failure
  readonly headers?: OutgoingHttpHeaders
}

/**
 * Reads the body of a call, and checks it as it arrives. A body that cannot be taken is refused as early as that shows,
 * before it is sent where its length is announced.
 * @throws when the client leaves before the end
 */
export async function readCallBody(
  req: IncomingMessage,
  res: ServerResponse,
  reading: BodyReading,
): Promise<CallBody | RefusedBody> {
  const refused = refusedUnread(req, reading)
  if (refused !== undefined) return discard(req, refused)
  const encoding = bodyEncoding(req)
  if (encoding !== undefined && encoding.decoder === undefined)
    return discard(req, unknownEncoding(encoding.name))
  const announced = announcedLength(req)
  const held = reading.inFlight.reserve(announced ?? 0)
  if (held === undefined) return discard(req, noCapacity)
  // Clients that ask first send nothing before this.
  if (req.headers.expect !== undefined) {
    res.removeHeader('connection')
    res.writeContinue()
  }
  try {
    const read = await readPieces(req, reading, held, encoding?.decoder)
    if ('body' in read) return read
    held.release()
    return read
  } catch (error) {
    held.release()
    throw error
  }
}

/** With a decoder, what is checked, limited and counted are the bytes that come out of it. */
function readPieces(
  req: IncomingMessage,
  reading: BodyReading,
  held: Reservation,
  decoder: Transform | undefined,
): Promise<CallBody | RefusedBody> {
  const { bodyStalls } = reading
  const limit = limitOf(reading, decoder === undefined ? 0 : decoderBytes)
  const scanner = new BodyScanner()
  // Node.js copies what comes over HTTP/1.1 for this request alone.
  const ownsPieces = decoder === undefined && req.httpVersionMajor === 1
  let buffer: GrowingBuffer | undefined = new GrowingBuffer(
    decoder ? undefined : announcedLength(req),
    ownsPieces,
  )
  let received = 0
  let length = 0
  return new Promise((resolve, reject) => {
    const watched = {
      progress: () => received + length,
      stalled: () => stop(tooSlow(reading)),
    }
    const onReceived = (piece: Buffer): void => {
      received += piece.length
      // An encoding can be written so that nothing ever comes out of it.
      if (received > limit.bytes) stop(limit.exceeded)
    }
    const onData = (piece: Buffer): void => {
      length += piece.length
      if (length > limit.bytes) return stop(limit.exceeded)
      // The rest of a body that is wrong is read and not kept: an answer before its end would cross it on its way.
      if (buffer === undefined) return
      if (!held.arrived(piece.length)) return stop(noCapacity)
      scanner.write(piece)
      if (scanner.problem === undefined) return buffer.push(piece)
      if (decoder !== undefined) return stop(notTaken(scanner.problem))
      buffer = undefined
      held.release()
    }
    const onEnd = (): void => {
      bodyStalls.delete(place)
      held.complete()
      const bytes = buffer?.take() ?? nothing
      const isLent = buffer?.isOwn && length >= leastLent
      const lent = isLent ? new LentBytes(bytes as Buffer<ArrayBuffer>) : undefined
      const body = length === 0 ? 'the request has no body' : scanner.end(bytes, lent)
      resolve(typeof body === 'string' ? notTaken(body) : { body, held })
    }
    const source: Readable = decoder ?? req
    const stop = (refused: RefusedBody): void => {
      bodyStalls.delete(place)
      buffer = undefined
      source.off('data', onData)
      source.off('end', onEnd)
      if (decoder !== undefined) {
        req.off('data', onReceived)
        req.unpipe(decoder)
        decoder.destroy()
      }
      resolve(discard(req, refused))
    }
    const place = bodyStalls.add(watched)
    source.on('data', onData)
    source.on('end', onEnd)
    if (decoder !== undefined) {
      if (!held.arrived(decoderBytes)) return stop(noCapacity)
      decoder.on('error', () => stop(notTaken(notAsEncoded(req))))
      req.on('data', onReceived)
      req.pipe(decoder)
    }
    req.on('error', reject)
    req.on('close', () => {
      bodyStalls.delete(place)
      if (req.complete) return
      decoder?.destroy()
      reject(new Error('the client left'))
    })
  })
}

const nothing = Buffer.alloc(0)

/** What can be told before a byte of the body is read. */
function refusedUnread(req: IncomingMessage, reading: BodyReading): RefusedBody | undefined {
  const limit = limitOf(reading)
  return (announcedLength(req) ?? 0) > limit.bytes ? limit.exceeded : undefined
}

function announcedLength({ headers }: IncomingMessage): number | undefined {
  const length = headers['content-length']
  return length === undefined ? undefined : Number(length)
}

/** @param besides bytes that are counted for the same request */
function limitOf(
  { inFlight, maxRequestBytes }: BodyReading,
  besides = 0,
): { bytes: number; exceeded: RefusedBody } {
  const isShort = inFlight.max - besides < maxRequestBytes
  const bytes = isShort ? inFlight.max - besides : maxRequestBytes
  const isOwn = maxRequestBytes !== boundDefaults.maxRequestBytes
  const why = isShort ? ' (server.maxInFlightBytes)' : isOwn ? ' (server.maxRequestBytes)' : ''
  return {
    bytes,
    exceeded: { failure: callerError('too_large', `the request exceeds ${bytes} bytes${why}`) },
  }
}

const noCapacity: RefusedBody = {
  failure: {
    kind: 'overloaded',
    message:
      'the gateway holds as many bytes of requests as it may (server.maxInFlightBytes); try again in a second',
    retryable: true,
    retryAfterMs: 1_000,
    scope: 'endpoint',
    origin: 'spillway',
  },
}

function tooSlow({ bodyTimeout }: BodyReading): RefusedBody {
  const message = `no byte of the request body has arrived for ${bodyTimeout / 1_000} s (server.bodyTimeout)`
  return { failure: callerError('invalid_request', message, 408), headers: { connection: 'close' } }
}

function notTaken(message: string): RefusedBody {
  return { failure: callerError('invalid_request', message) }
}

/** What the name is, only its sender knows; it may be of any length. */
function unknownEncoding(name: string): RefusedBody {
  const message = `content-encoding: ${name.slice(0, 40)} is not supported; use one of ${acceptedEncodings}, or none`
  return {
    failure: callerError('invalid_request', message, 415),
    headers: { 'accept-encoding': acceptedEncodings },
  }
}

function notAsEncoded({ headers }: IncomingMessage): string {
  return `the body is not whole, or not encoded as its content-encoding says: ${headers['content-encoding']}`
}

/** Discards the rest of a body; the server reads it for a while longer. */
function discard(req: IncomingMessage, refused: RefusedBody): RefusedBody {
  req.resume()
  return refused
}

/** Smaller ones cost less where the garbage collector finds them, and cannot be given back where they have been sent. */
const leastLent = 128 * 1024

/**
 * Stops counting a body when its call is over, and gives its memory back: the answer written or its client gone, and the last attempt
 * ended.
 */
export function releaseWhenOver(
  { held, body: { lent } }: CallBody,
  res: ServerResponse,
  answering: Promise<ModelResponse>,
): void {
  let left = 2
  const over = (): void => {
    if (--left > 0) return
    held.release()
    // Whoever waits for the outcome may read the body.
    if (lent !== undefined) setImmediate(() => lent.giveBack())
  }
  if (res.closed) over()
  else res.once('close', over)
  answering.then(({ outcome }) => void outcome.then(over, over), over)
}
