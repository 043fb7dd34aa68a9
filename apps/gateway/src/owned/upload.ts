import type { IncomingMessage } from 'node:http'
import type { StallWatch } from '../server/stall-watch.ts'

/** How much of a body is looked at before it goes on, for the model and the files that it names. */
const looked = 64 * 1024

/** Thrown into the upload that goes on, and to be answered with 413. */
export class UploadTooLarge extends Error {}

/** A body that is passed on while it comes. */
export interface Upload {
  /** Its first bytes, at most 64 KiB and a piece. */
  readonly beginning: string
  readonly body: ReadableStream<Uint8Array>
}

/**
 * Reads the beginning of a body, and passes all of it on at the pace of whoever takes it. Nothing but the beginning is held. A
 * client that sends nothing for the time of the watch is cut off; one whose data is not being read is not.
 * @param most bytes; the stream fails with {@link UploadTooLarge} beyond
 */
export async function openUpload(req: IncomingMessage, most: number, stalls: StallWatch): Promise<Upload> {
  const pieces = req[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  let received = 0
  let isWaiting = false
  const watched = { progress: () => (isWaiting ? received : undefined), stalled: () => void req.destroy() }
  const place = stalls.add(watched)
  req.once('close', () => stalls.delete(place))
  const next = async (): Promise<Buffer | undefined> => {
    isWaiting = true
    const { done, value } = await pieces.next()
    isWaiting = false
    if (done) return undefined
    received += value.length
    return value
  }
  const first: Buffer[] = []
  while (received < looked) {
    const piece = await next()
    if (piece === undefined) break
    first.push(piece)
  }
  const beginning = Buffer.concat(first).toString('latin1')
  let passed = 0
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const piece = first.shift() ?? (await next())
        if (piece === undefined) return controller.close()
        passed += piece.length
        if (passed > most) throw new UploadTooLarge(`the request exceeds ${most} bytes`)
        controller.enqueue(piece)
      },
      async cancel() {
        // Read on, so that the client sees its answer; the server ends it after a while.
        try {
          while ((await next()) !== undefined);
        } catch {
          // The client has left.
        }
      },
    },
    { highWaterMark: 1 },
  )
  return { beginning, body }
}
