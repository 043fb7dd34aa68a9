import { uploadedIds } from './ids-in-upload.ts'

/** Thrown into an upload that goes on: it names what is not its client's. */
export class NamesOthers extends Error {
  readonly id: string

  constructor(id: string) {
    super(`File not found: ${id}`)
    this.id = id
  }
}

/**
 * The same body; it fails with {@link NamesOthers} before its last piece where it names what its client may not. Of a file, only where it is
 * the input of a batch, which it may say at its end: other files are texts, and what they say is read by no vendor.
 */
export function guardUpload(
  body: ReadableStream<Uint8Array>,
  isRefused: (id: string) => Promise<boolean>,
  isFile: boolean,
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  const ids = uploadedIds()
  let refused: string | undefined
  let held: Uint8Array | undefined
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const { done, value } = await reader.read()
          for (const id of done ? [] : ids.push(value)) {
            if (refused === undefined && (await isRefused(id))) refused = id
          }
          if (refused !== undefined && (!isFile || (done && ids.isBatchInput))) {
            void reader.cancel()
            throw new NamesOthers(refused)
          }
          const ready = held
          held = value
          if (ready !== undefined) controller.enqueue(ready)
          if (done) return controller.close()
          if (ready !== undefined) return
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 1 },
  )
}
